"""What is fuzzed: each target takes any bytes, and raises only what its caller is ready for; anything else is a bug."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, get_args

from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from winnow.cloud_sink.settings import SinkSettings
from winnow.detectors.card import ModelCard, read_card
from winnow.detectors.errors import CardInvalidError
from winnow.events.batch import BatchReader
from winnow.events.errors import ContractError
from winnow.events.jpeg import jpeg_size
from winnow.events.judging import judge, judge_all
from winnow.events.kafka import from_kafka
from winnow.events.receipts import decode_receipt, encode_receipt
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.settings import GatewaySettings
from winnow.pipeline.delivery import DeliveryMetrics, Publisher
from winnow.pipeline.delivery.link import Arrived, Connected, Link
from winnow.pipeline.delivery.testing import FakeLink, MemorySpool, crossing
from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.settings import SettingsError, load_settings
from winnow.runtime.testing import ManualClock

MAX_SIDE_PX: Final = 65_535
EPOCH: Final = "memory"
"""What a spool in memory calls its epoch."""
WAITING: Final = 4
SENT_AGAIN_AFTER_S: Final = 40.0
CORPUS: Final = Path(__file__).parent / "corpus"

SETTINGS: Final = (EdgeSettings, GatewaySettings, SinkSettings)

Target = Callable[[bytes], None]


def fuzz_event(data: bytes) -> None:
    """What the gateway accepts as an event, the sink can read from Kafka."""
    record = judge("winnow/v1/north/events/door", data, ()).record
    if record.topic == KAFKA_EVENTS:
        from_kafka(record.value, record.headers)


def fuzz_batch(data: bytes) -> None:
    """A batch is one verdict a message; what it unpacks to is bounded."""
    assert judge_all("winnow/v1/north/batch", data, (), BatchReader())


def fuzz_receipt(data: bytes) -> None:
    """The edge outlives whatever comes as a receipt, lets go of what it names and of nothing else, and goes on."""
    named: set[int] = set()
    with suppress(ContractError):
        receipt = decode_receipt(data)
        assert decode_receipt(encode_receipt(receipt)) == receipt
        if receipt.epoch == EPOCH:
            named = {n for n in range(1, WAITING + 1) if n <= receipt.upto or n in receipt.also}
    clock, links = ManualClock(), list[FakeLink]()
    spool = MemorySpool(node="shop-1", clock=clock)
    spool.append([crossing(n) for n in range(WAITING)])

    def connect(wake: Callable[[], None]) -> Link:
        links.append(FakeLink(wake))
        return links[-1]

    publisher = Publisher(
        spool, connect=connect, version="1", clock=clock, metrics=_delivery_metrics(), random=Random(1)
    )
    publisher.run_once()
    links[-1].report(Connected())
    publisher.run_once()
    links[-1].report(Arrived(data), Arrived(data))
    publisher.run_once()
    assert spool.depth == WAITING - len(named)
    before = len(links[-1].published)
    clock.advance(SENT_AGAIN_AFTER_S)
    publisher.run_once()
    again = [message for message, _ in links[-1].published[before:] if message.user_properties]
    assert len(again) == spool.depth


@cache
def _delivery_metrics() -> DeliveryMetrics:
    return DeliveryMetrics(CollectorRegistry())


def fuzz_jpeg(data: bytes) -> None:
    """A size is one that a JPEG header can state."""
    with suppress(ContractError):
        assert all(0 <= side <= MAX_SIDE_PX for side in jpeg_size(data))


def fuzz_card(data: bytes) -> None:
    """A model card is right, or is refused in a sentence."""
    with suppress(CardInvalidError):
        _with_file(data, read_card)


def fuzz_settings(data: bytes) -> None:
    """Settings of edge, gateway and sink are right, or are refused in a sentence."""
    for model in SETTINGS:
        with suppress(SettingsError):
            _with_file(data, lambda path, model=model: load_settings(path, model))  # type: ignore[misc]


def words_of(name: str) -> list[str]:
    """Return what a fuzzer hardly finds by itself: the keys of settings and cards, and what a receipt is made of."""
    if name == "receipt":
        return [f'"epoch":"{EPOCH}"', '"epoch":"', '"upto":', '"also":[', "[1,2]", "2147483647", "null", "{", "}"]
    models = {"settings": SETTINGS, "card": (ModelCard,)}.get(name, ())
    return [f"{key}: " for key in sorted({key for model in models for key in _keys_of(model)})]


def _keys_of(kind: object) -> Iterator[str]:
    """Yield the keys of a section and of all sections below it."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for key, field in kind.model_fields.items():
            yield field.alias or key
            yield from _keys_of(field.annotation)
    for argument in get_args(kind):
        yield from _keys_of(argument)


def _with_file(data: bytes, read: Callable[[Path], object]) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(data)
        file.flush()
        read(Path(file.name))


TARGETS: Final[Mapping[str, Target]] = {
    "batch": fuzz_batch,
    "card": fuzz_card,
    "event": fuzz_event,
    "jpeg": fuzz_jpeg,
    "receipt": fuzz_receipt,
    "settings": fuzz_settings,
}

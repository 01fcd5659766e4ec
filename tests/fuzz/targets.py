"""What is fuzzed: each target takes any bytes, and raises only what its caller is ready for; anything else is a bug."""

import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from winnow.cloud_sink.settings import SinkSettings
from winnow.detectors.card import read_card
from winnow.detectors.errors import CardInvalidError
from winnow.events.batch import BatchReader
from winnow.events.errors import ContractError
from winnow.events.jpeg import jpeg_size
from winnow.events.kafka import from_kafka
from winnow.events.receipts import decode_receipt, encode_receipt
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.settings import GatewaySettings
from winnow.gateway.validation import judge, judge_all
from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.settings import SettingsError, load_settings

MAX_SIDE_PX: Final = 65_535
CORPUS: Final = Path(__file__).parent / "corpus"

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
    """A receipt that was read says the same when it is written and read again."""
    with suppress(ContractError):
        receipt = decode_receipt(data)
        assert decode_receipt(encode_receipt(receipt)) == receipt


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
    for model in (EdgeSettings, GatewaySettings, SinkSettings):
        with suppress(SettingsError):
            _with_file(data, lambda path, model=model: load_settings(path, model))  # type: ignore[misc]


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

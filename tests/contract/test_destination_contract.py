"""What every destination does: Kafka, the store, and the fake."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from winnow.cloud_sink.store import EventFilter, open_store
from winnow.cloud_sink.store_destination import StoreDestination
from winnow.events import Event, Recorded, new_event
from winnow.events.data import CameraOnline
from winnow.events.kafka import KafkaRecord, deadletter_record, from_kafka, status_record, to_kafka
from winnow.events.status import CameraStatus, encode_status
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.destination import Destination
from winnow.gateway.kafka_destination import KafkaDestination
from winnow.gateway.settings import KafkaOutSettings, TopicSettings
from winnow.gateway.testing import MemoryDestination
from winnow.runtime.errors import DestinationError

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
READ_WITHIN_S = 20.0

EventsOf = Callable[[str], list[Event]]


class _Kind:
    """One kind of destination, and a way to read what it holds."""

    def __init__(self, destination: Destination, unreachable: Destination, read: EventsOf) -> None:
        self.destination = destination
        self.unreachable = unreachable
        self.read = read


def _memory(_request: pytest.FixtureRequest, _folder: Path) -> _Kind:
    destination = MemoryDestination()

    def read(node: str) -> list[Event]:
        records = [record for record in destination.records if record.topic == KAFKA_EVENTS]
        events = [from_kafka(record.value, record.headers) for record in records]
        return [event for event in events if isinstance(event, Event) and event.node == node]

    return _Kind(destination, MemoryDestination([DestinationError("as scripted")]), read)


def _sqlite(_request: pytest.FixtureRequest, folder: Path) -> _Kind:
    return _store(f"sqlite:///{folder}/events.db", missing=f"sqlite:///{folder}/no/such/folder/events.db")


def _postgresql(request: pytest.FixtureRequest, _folder: Path) -> _Kind:
    return _store(request.getfixturevalue("postgres_url"), missing="postgresql://winnow@127.0.0.1:9/winnow")


def _store(url: str, *, missing: str) -> _Kind:
    def read(node: str) -> list[Event]:
        store = open_store(url, create=False)
        try:
            stored = store.events(EventFilter(nodes=(node,)))
        finally:
            store.close()
        return [_event(node, row.sequence) for row in stored]

    return _Kind(StoreDestination(partial(open_store, url)), StoreDestination(partial(open_store, missing)), read)


def _kafka(request: pytest.FixtureRequest, _folder: Path) -> _Kind:
    address = request.getfixturevalue("kafka_address")
    topics = TopicSettings(create=request.getfixturevalue("kafka_kind") == "apache")

    def kafka(servers: str, timeout_s: float) -> KafkaDestination:
        settings = KafkaOutSettings(bootstrap_servers=servers, topics=topics, timeout_s=timeout_s)
        return KafkaDestination(settings, max_batch_bytes=256 * 1024)

    return _Kind(kafka(address, 20.0), kafka("127.0.0.1:9", 2.0), partial(_events_in_kafka, address))


def _events_in_kafka(address: str, node: str) -> list[Event]:
    consumer = Consumer({"bootstrap.servers": address, "group.id": node, "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(KAFKA_EVENTS, timeout=READ_WITHIN_S).topics[KAFKA_EVENTS].partitions
        found = []
        for number in partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(KAFKA_EVENTS, number), timeout=READ_WITHIN_S)
            consumer.assign([TopicPartition(KAFKA_EVENTS, number, low)])
            for _ in range(high - low):
                message = consumer.poll(READ_WITHIN_S)
                assert message is not None
                assert message.error() is None
                if (message.key() or b"").startswith(f"{node}/".encode()):
                    found.append(from_kafka(message.value() or b"", _headers(message)))
    finally:
        consumer.close()
    return [event for event in found if isinstance(event, Event)]


def _headers(message: Message) -> list[tuple[str, bytes]]:
    headers = message.headers() or []
    assert isinstance(headers, list)
    return [(name, value) for name, value in headers if isinstance(value, bytes)]


@pytest.fixture(params=[_memory, _sqlite, _postgresql, _kafka], ids=["memory", "sqlite", "postgresql", "kafka"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> _Kind:
    """Return each kind of destination in turn."""
    made = request.param(request, tmp_path)
    assert isinstance(made, _Kind)
    return made


@asynccontextmanager
async def _started(destination: Destination) -> AsyncIterator[Destination]:
    await destination.start()
    try:
        yield destination
    finally:
        await destination.stop()


def _event(node: str, sequence: int) -> Event:
    event = new_event(
        id=f"{sequence:032x}",
        node=node,
        camera="door",
        subject=None,
        time=NOON,
        data=CameraOnline(frame=(640, 480), clock="wall"),
    )
    return event.with_record(Recorded(epoch="e1", sequence=sequence, at=NOON))


def _records(node: str, *sequences: int) -> list[KafkaRecord]:
    return [to_kafka(_event(node, sequence)) for sequence in sequences]


@pytest.fixture(autouse=True)
def quiet_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep aiokafka from logging as an error what it also raises; the command does the same."""
    monkeypatch.setattr(logging.getLogger("aiokafka"), "disabled", True)


def test_stored_records_can_be_read_in_their_order(kind: _Kind, unique_name: str) -> None:
    """When `store` returns, another process reads every event, one camera's in the order in which they came."""

    async def store() -> None:
        async with _started(kind.destination) as destination:
            await destination.store(_records(unique_name, 1, 2, 3))
            await destination.store(_records(unique_name, 4))

    asyncio.run(store())
    assert kind.read(unique_name) == [_event(unique_name, sequence) for sequence in (1, 2, 3, 4)]


def test_states_and_dead_letters_are_kept_with_events(kind: _Kind, unique_name: str) -> None:
    """A batch mixes all topics; an empty state clears the last one."""
    state = encode_status(CameraStatus(state="online", since=NOON))
    records = [
        status_record(unique_name, "door", state),
        *_records(unique_name, 1),
        deadletter_record(f"winnow/v1/{unique_name}/events/door", b"\xff{", "schema: not JSON"),
        status_record(unique_name, "door", b""),
    ]

    async def store() -> None:
        async with _started(kind.destination) as destination:
            await destination.store(records)

    asyncio.run(store())
    assert kind.read(unique_name) == [_event(unique_name, 1)]


def test_batch_may_be_stored_again(kind: _Kind, unique_name: str) -> None:
    """Storing the same batch twice is no error; every event is there."""

    async def store() -> None:
        async with _started(kind.destination) as destination:
            for _ in range(2):
                await destination.store(_records(unique_name, 1, 2))

    asyncio.run(store())
    assert {event.id for event in kind.read(unique_name)} == {_event(unique_name, n).id for n in (1, 2)}


def test_destination_out_of_reach_says_so(kind: _Kind, unique_name: str) -> None:
    """Starting or storing raises `DestinationError` within the time limit, and stopping afterwards is quiet."""

    async def store() -> None:
        try:
            await kind.unreachable.start()
            await kind.unreachable.store(_records(unique_name, 1))
        finally:
            await kind.unreachable.stop()

    with pytest.raises(DestinationError):
        asyncio.run(asyncio.wait_for(store(), timeout=15))

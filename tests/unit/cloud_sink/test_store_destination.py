"""The gateway's way into a store without Kafka, and the thread that it runs on."""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from functools import partial

import pytest

from winnow.cloud_sink.store import StoreUnavailableError, TopicPartition, WriteResult
from winnow.cloud_sink.store_destination import StoreDestination
from winnow.cloud_sink.testing import MemoryStore, crossing_event
from winnow.cloud_sink.worker import WorkerThread
from winnow.events.kafka import KafkaRecord, to_kafka
from winnow.runtime.errors import DestinationError

RECORDS = [to_kafka(crossing_event(n)) for n in range(1, 4)]


def test_destination_stores_off_the_event_loop() -> None:
    """Records are in the store once `store` returns, and the event loop's thread never waited for it."""
    threads: list[str] = []
    store = MemoryStore()

    def open_store() -> MemoryStore:
        threads.append(threading.current_thread().name)
        return store

    async def run() -> None:
        destination = StoreDestination(open_store)
        await destination.start()
        await destination.store(RECORDS)
        await destination.store(RECORDS)
        await destination.stop()

    asyncio.run(run())
    assert threads == ["store"]
    assert len(store.events()) == 3


def test_destination_that_fails_can_be_tried_again() -> None:
    """A database that is down raises `DestinationError`; the same batch goes through when it is back."""
    store = MemoryStore()

    async def run() -> None:
        destination = StoreDestination(lambda: store)
        await destination.start()
        store.failures = 1
        with pytest.raises(DestinationError, match="told to fail"):
            await destination.store(RECORDS)
        await destination.store(RECORDS)
        await destination.stop()

    asyncio.run(run())
    assert [event.sequence for event in store.events()] == [1, 2, 3]


def test_destination_opens_when_the_database_comes_back() -> None:
    """`start` may be called again after it failed."""
    store = MemoryStore()
    failures = [StoreUnavailableError("down")]

    def open_store() -> MemoryStore:
        if failures:
            raise failures.pop()
        return store

    async def run() -> None:
        destination = StoreDestination(open_store)
        with pytest.raises(DestinationError, match="down"):
            await destination.start()
        with pytest.raises(DestinationError, match="not open"):
            await destination.store(RECORDS)
        await destination.start()
        await destination.store(RECORDS)
        await destination.stop()

    asyncio.run(run())
    assert len(store.events()) == 3


def test_destination_gives_up_on_a_silent_database() -> None:
    """A write without an answer ends in `DestinationError` after the time-out."""
    released = threading.Event()

    class SilentStore(MemoryStore):
        def write(
            self, _records: Sequence[KafkaRecord], _offsets: Mapping[TopicPartition, int] | None = None
        ) -> WriteResult:
            released.wait(10)
            return WriteResult()

    async def run() -> None:
        destination = StoreDestination(SilentStore, timeout_s=0.05)
        await destination.start()
        with pytest.raises(DestinationError, match="no answer"):
            await destination.store(RECORDS)
        released.set()
        await destination.stop()

    asyncio.run(run())


def test_worker_answers_in_order_and_passes_errors_on() -> None:
    """Calls run one after the other on one thread; an error reaches whoever asked, and the next call still runs."""
    order: list[int] = []

    def fail() -> None:
        raise ValueError("no")

    async def run() -> list[object]:
        worker = WorkerThread("test")
        calls = [worker.run(partial(order.append, n)) for n in range(5)]
        answers = await asyncio.gather(*calls, worker.run(fail), worker.run(lambda: "last"), return_exceptions=True)
        worker.stop()
        return list(answers)

    answers = asyncio.run(run())
    assert order == [0, 1, 2, 3, 4]
    assert (str(answers[-2]), answers[-1]) == ("no", "last")

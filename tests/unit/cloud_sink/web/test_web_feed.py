"""One poll of the store feeds every browser."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from winnow.cloud_sink.store import StoreUnavailableError
from winnow.cloud_sink.testing import MemoryStore, crossing_event, thumbnail_of
from winnow.cloud_sink.web.feed import (
    MAX_LISTENERS,
    PAGE,
    PICTURE_POLL_S,
    PICTURE_WAIT_S,
    QUEUE,
    Feed,
    Listener,
    TooManyListenersError,
    Update,
)
from winnow.events import Event, Recorded, new_event
from winnow.events.data import ModelRef, ObjectStarted
from winnow.events.kafka import to_kafka
from winnow.runtime.testing import ManualClock

WAIT_S = 5.0


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of store and feed."""
    return ManualClock()


@pytest.fixture
def store(clock: ManualClock) -> MemoryStore:
    """Return an empty store."""
    return MemoryStore(clock)


@pytest.fixture
def feed(store: MemoryStore, clock: ManualClock) -> Feed:
    """Return a feed that nobody listens to yet."""
    return Feed(store, clock, poll_s=0.001)


def _run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def _write(store: MemoryStore, *sequences: int) -> None:
    store.write([to_kafka(crossing_event(sequence)) for sequence in sequences])


async def _received(listener: Listener) -> Update:
    update = await listener.next(WAIT_S)
    assert update is not None
    return update


def _started(sequence: int) -> Event:
    crossing = crossing_event(sequence)
    data = ObjectStarted(
        label="person",
        track=sequence,
        score=0.8,
        box=(0.1, 0.2, 0.3, 0.4),
        frame=(768, 576),
        model=ModelRef(name="tiny", sha256="a" * 64),
        clock="file",
        first_seen=crossing.time,
    )
    event = new_event(
        id=f"{sequence:032x}", node="north", camera="door", subject=f"person/{sequence}", time=crossing.time, data=data
    )
    return event.with_record(Recorded(epoch="e1", sequence=sequence, at=crossing.time))


def test_every_listener_gets_every_new_event(store: MemoryStore, feed: Feed) -> None:
    """Two browsers get the same events, oldest first, and none from before they came."""

    async def test() -> None:
        _write(store, 1)
        with feed.listener() as one, feed.listener() as other:
            feed.start_at(1)
            _write(store, 2, 3)
            assert await feed.run_once() == 2
            for listener in (one, other):
                update = await _received(listener)
                assert [event.position for event in update.events] == [2, 3]
            assert await feed.run_once() == 0

    _run(test())


def test_idle_feed_leaves_the_store_alone(store: MemoryStore, feed: Feed) -> None:
    """Without a listener nothing is asked: a store that is down goes unnoticed."""

    async def test() -> None:
        store.failures = 1
        assert await feed.run_once() == 0
        assert store.failures == 1
        with feed.listener():
            feed.start_at(0)
        assert await feed.run_once() == 0
        assert store.failures == 1

    _run(test())


def test_later_listener_may_begin_earlier(store: MemoryStore, feed: Feed) -> None:
    """Who read the store before another did, and starts after it, misses nothing in between."""

    async def test() -> None:
        _write(store, 1, 2, 3)
        with feed.listener() as first, feed.listener() as second:
            feed.start_at(3)
            feed.start_at(1)
            await feed.run_once()
            for listener in (first, second):
                assert [event.position for event in (await _received(listener)).events] == [2, 3]

    _run(test())


def test_earlier_start_during_a_poll_is_kept(store: MemoryStore, feed: Feed) -> None:
    """A start that comes while the store is being asked is not undone by the answer."""

    async def test() -> None:
        _write(store, 1, 2, 3)
        with feed.listener() as listener:
            feed.start_at(2)
            poll = asyncio.create_task(feed.run_once(), name="poll")
            await asyncio.sleep(0)
            feed.start_at(0)
            await poll
            await feed.run_once()
            assert [event.position for event in (await _received(listener)).events] == [1, 2, 3]

    _run(test())


def test_many_events_come_in_pages(store: MemoryStore, feed: Feed) -> None:
    """A backlog is read page by page, none skipped."""

    async def test() -> None:
        _write(store, *range(1, PAGE + 11))
        with feed.listener() as listener:
            feed.start_at(0)
            assert [await feed.run_once(), await feed.run_once()] == [PAGE, 10]
            updates = [await _received(listener), await _received(listener)]
            positions = [event.position for update in updates for event in update.events]
            assert positions == list(range(1, PAGE + 11))

    _run(test())


def test_picture_that_comes_later_is_told_once(store: MemoryStore, feed: Feed, clock: ManualClock) -> None:
    """A picture that arrives after its event is sent by itself, a single time."""

    async def test() -> None:
        event = _started(1)
        with feed.listener() as listener:
            feed.start_at(0)
            store.write([to_kafka(event)])
            await feed.run_once()
            assert (await _received(listener)).events[0].thumbnail_id is None
            picture = thumbnail_of(event, 2)
            store.write([to_kafka(picture)])
            clock.advance(PICTURE_POLL_S)
            await feed.run_once()
            (pictured,) = (await _received(listener)).pictured
            assert (pictured.id, pictured.thumbnail_id) == (event.id, picture.sha256)
            clock.advance(PICTURE_POLL_S)
            await feed.run_once()
            with pytest.raises(TimeoutError):
                await listener.next(0.01)

    _run(test())


def test_picture_is_not_waited_for_without_end(store: MemoryStore, feed: Feed, clock: ManualClock) -> None:
    """After a while an event without a picture is forgotten, and costs no more queries."""

    async def test() -> None:
        event = _started(1)
        with feed.listener() as listener:
            feed.start_at(0)
            store.write([to_kafka(event)])
            await feed.run_once()
            await _received(listener)
            clock.advance(PICTURE_WAIT_S + PICTURE_POLL_S)
            await feed.run_once()
            store.write([to_kafka(thumbnail_of(event, 2))])
            clock.advance(PICTURE_POLL_S)
            await feed.run_once()
            with pytest.raises(TimeoutError):
                await listener.next(0.01)

    _run(test())


def test_slow_listener_is_cut_off(store: MemoryStore, feed: Feed) -> None:
    """A browser that does not read ends, instead of filling memory; the others go on."""

    async def test() -> None:
        with feed.listener() as slow, feed.listener() as quick:
            feed.start_at(0)
            for sequence in range(1, QUEUE + 2):
                _write(store, sequence)
                await feed.run_once()
                assert len((await _received(quick)).events) == 1
            assert await slow.next(WAIT_S) is None
            _write(store, QUEUE + 2)
            await feed.run_once()
            assert len((await _received(quick)).events) == 1

    _run(test())


def test_listeners_are_limited(feed: Feed) -> None:
    """One more than the limit is refused, and a place becomes free when somebody leaves."""

    async def test() -> None:
        managers = [feed.listener() for _ in range(MAX_LISTENERS)]
        for manager in managers:
            manager.__enter__()
        with pytest.raises(TooManyListenersError), feed.listener():
            pass
        managers.pop().__exit__(None, None, None)
        with feed.listener():
            pass

    _run(test())


def test_closed_feed_ends_everybody(feed: Feed) -> None:
    """Closing ends the loop, those who listen, and those who come too late."""

    async def test() -> None:
        async with asyncio.TaskGroup() as tasks:
            loop = tasks.create_task(feed.run(), name="feed")
            with feed.listener() as listener:
                feed.start_at(0)
                feed.close()
                assert await listener.next(WAIT_S) is None
            async with asyncio.timeout(WAIT_S):
                await loop
        with feed.listener() as late:
            assert await late.next(WAIT_S) is None

    _run(test())


def test_running_feed_brings_news(store: MemoryStore, feed: Feed) -> None:
    """The loop polls by itself, listener after listener."""

    async def test() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed.run(), name="feed")
            for sequence in (1, 2):
                with feed.listener() as listener:
                    feed.start_at(sequence - 1)
                    _write(store, sequence)
                    assert [event.position for event in (await _received(listener)).events] == [sequence]
            feed.close()

    _run(test())


def test_store_that_is_down_loses_no_news(store: MemoryStore, feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    """A failed poll is said once, skips nothing, and the loop goes on when the store answers."""

    async def test() -> None:
        with feed.listener() as listener:
            feed.start_at(0)
            _write(store, 1)
            store.failures = 1
            with pytest.raises(StoreUnavailableError):
                await feed.run_once()
            store.failures = 1
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(feed.run(), name="feed")
                assert [event.position for event in (await _received(listener)).events] == [1]
                feed.close()

    with caplog.at_level(logging.INFO):
        _run(test())
    assert [record.levelname for record in caplog.records if "store" in record.message] == ["WARNING", "INFO"]

"""What is new in the store, asked once for all browsers that listen.

One task polls; every listener has a bounded queue. A listener whose queue is full is cut off: its browser comes back
with the position it has seen, and gets the rest from the store.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool

from winnow.cloud_sink.store.errors import StoreError
from winnow.cloud_sink.store.rows import StoredEvent
from winnow.cloud_sink.store.store import Store
from winnow.runtime.clock import Clock
from winnow.runtime.retry import Backoff

POLL_S: Final = 0.25
PICTURE_POLL_S: Final = 1.0
PICTURE_WAIT_S: Final = 120.0
"""How long after its event a picture is still looked for. Pictures are sent last, after a backlog of events."""
PICTURE_WINDOW: Final = 500
"""How many events back a picture is still looked for."""
PAGE: Final = 200
"""Most events of one poll; the next follows at once."""
QUEUE: Final = 64
"""Updates that wait for one slow browser before it is cut off."""
MAX_LISTENERS: Final = 64

PICTURED_KINDS: Final = frozenset({"object.started", "object.updated", "object.ended"})
"""Only these kinds ever have a picture of their own."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """New events, oldest first, and earlier events whose picture has come since."""

    events: tuple[StoredEvent, ...] = ()
    pictured: tuple[StoredEvent, ...] = ()


class TooManyListenersError(Exception):
    """Nobody else can listen until somebody leaves."""


class Listener:
    """One browser's queue of updates."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Update | None] = asyncio.Queue(maxsize=QUEUE)

    async def next(self, timeout_s: float) -> Update | None:
        """Return the next update; None means that no more will come.

        Raises:
            TimeoutError: nothing came in `timeout_s` seconds.
        """
        async with asyncio.timeout(timeout_s):
            return await self._queue.get()

    def put(self, update: Update) -> bool:
        """Return whether there was room for `update`."""
        try:
            self._queue.put_nowait(update)
        except asyncio.QueueFull:
            return False
        return True

    def end(self) -> None:
        """What still waits is dropped; `next` returns None."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)


class Feed:
    """Polls the store while somebody listens.

    Args:
        store: where to look.
        clock: measures how long pictures are waited for.
        poll_s: pause between two polls that found nothing.
    """

    def __init__(self, store: Store, clock: Clock, *, poll_s: float = POLL_S) -> None:
        self._store = store
        self._clock = clock
        self._poll_s = poll_s
        self._position: int | None = None
        self._pictureless: dict[int, float] = {}
        self._pictures_due_s = 0.0
        self._listeners: set[Listener] = set()
        self._wanted = asyncio.Event()
        self._closed = asyncio.Event()

    @contextlib.contextmanager
    def listener(self) -> Iterator[Listener]:
        """Yield a queue that gets every update from now on; `start_at` says from where.

        Raises:
            TooManyListenersError: 64 others listen.
        """
        if len(self._listeners) >= MAX_LISTENERS:
            raise TooManyListenersError
        listener = Listener()
        self._listeners.add(listener)
        if self._closed.is_set():
            listener.end()
        try:
            yield listener
        finally:
            self._leave(listener)

    def start_at(self, position: int) -> None:
        """Every listener gets what comes after `position`, if the next poll would have begun later.

        Whoever listens first, reads the store then, and starts at what was read last, misses nothing; what was read
        already may come once more.
        """
        if self._position is None or position < self._position:
            self._position = position
        self._wanted.set()

    def close(self) -> None:
        """Every listener ends, and so does `run`."""
        self._closed.set()
        self._wanted.set()
        for listener in self._listeners:
            listener.end()

    async def run(self) -> None:
        """Poll until `close`; a store that does not answer is asked again, ever more slowly."""
        backoff = Backoff(first_s=1.0, limit_s=10.0)
        failing = False
        while not self._closed.is_set():
            await self._wanted.wait()
            try:
                found = await self.run_once()
            except StoreError as exc:
                if not failing:
                    _LOG.warning("the page gets no news: the store does not answer", extra={"error": str(exc)})
                failing = True
                await self._pause(backoff.next_delay_s())
                continue
            if failing:
                _LOG.info("the store answers again")
                failing = False
                backoff.reset()
            if found < PAGE:
                await self._pause(self._poll_s)

    async def run_once(self) -> int:
        """Every listener has what the store holds beyond the last poll; return how many events that were.

        Raises:
            StoreError: the store does not answer; nothing is skipped.
        """
        after = self._position
        if after is None:
            return 0
        events = await run_in_threadpool(self._store.events, after=after, limit=PAGE)
        pictured = await self._find_pictures()
        if self._position != after:
            return PAGE  # while the store was asked, somebody came who needs an earlier start
        if events:
            self._position = events[-1].position
            self._remember_pictureless(events)
        if events or pictured:
            self._send(Update(events=tuple(events), pictured=tuple(pictured)))
        return len(events)

    async def _find_pictures(self) -> list[StoredEvent]:
        """Return the events that have got their picture since they were sent."""
        now_s = self._clock.monotonic_s()
        if now_s < self._pictures_due_s:
            return []
        self._pictures_due_s = now_s + PICTURE_POLL_S
        self._forget_pictureless(now_s)
        if not self._pictureless:
            return []
        first = min(self._pictureless)
        events = await run_in_threadpool(self._store.events, after=first - 1, limit=PICTURE_WINDOW)
        pictured = [event for event in events if event.thumbnail_id and event.position in self._pictureless]
        for event in pictured:
            del self._pictureless[event.position]
        return pictured

    def _remember_pictureless(self, events: list[StoredEvent]) -> None:
        now_s = self._clock.monotonic_s()
        for event in events:
            if event.thumbnail_id is None and event.kind in PICTURED_KINDS:
                self._pictureless[event.position] = now_s

    def _forget_pictureless(self, now_s: float) -> None:
        oldest = (self._position or 0) - PICTURE_WINDOW
        self._pictureless = {
            position: since_s
            for position, since_s in self._pictureless.items()
            if position > oldest and now_s - since_s < PICTURE_WAIT_S
        }

    def _send(self, update: Update) -> None:
        for listener in list(self._listeners):
            if not listener.put(update):
                listener.end()
                self._listeners.discard(listener)

    def _leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        if not self._listeners and not self._closed.is_set():
            self._wanted.clear()
            self._position = None
            self._pictureless.clear()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closed.wait()

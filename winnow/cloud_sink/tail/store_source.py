"""Events from a store: SQLite or PostgreSQL, read and never changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, TypeVar

from winnow.cloud_sink.store import EVERYTHING, Store, StoredEvent, StoreError
from winnow.cloud_sink.tail.selection import Selection
from winnow.cloud_sink.tail.source import ANSWER_TIMEOUT_S, SourceError
from winnow.cloud_sink.worker import WorkerThread
from winnow.events import Event

POLL_S: Final = 0.5
PAGE: Final = 500

Answer = TypeVar("Answer")


class StoreSource:
    """Follows the order of arrival in a store.

    Args:
        name: of the store, without a password.
        open_store: opens it; called on a thread of its own.
    """

    def __init__(self, name: str, open_store: Callable[[], Store]) -> None:
        self.name = name
        self._open_store = open_store
        self._worker = WorkerThread("store", timeout_s=30.0)
        self._store: Store | None = None
        self._position = 0

    async def open(self) -> None:
        """See `EventSource.open`."""
        try:
            store = await asyncio.wait_for(self._worker.run(self._open_store), ANSWER_TIMEOUT_S)
            newest = await self._worker.run(partial(store.events, newest_first=True, limit=1))
        except (StoreError, TimeoutError) as exc:
            raise SourceError(str(exc) or f"{self.name}: no answer in {ANSWER_TIMEOUT_S:.0f} s") from exc
        self._store = store
        self._position = newest[0].position if newest else 0

    async def backlog(self, selection: Selection, lines: int | None) -> list[Event]:
        """See `EventSource.backlog`; in the order of arrival."""
        found: list[Event] = []
        before = self._position + 1
        while lines is None or len(found) < lines:
            page = await self._page(selection, before)
            wanted = [event for stored in page if selection.shows(event := stored.event())]
            found.extend(wanted)
            past = selection.since is not None and page and page[-1].stored_at < selection.since
            if len(page) < PAGE or past:
                break
            before = page[-1].position
        return found[:lines][::-1]

    async def live(self) -> AsyncIterator[list[Event]]:
        """See `EventSource.live`."""
        while True:
            page = await self._ask(lambda store: store.events(EVERYTHING, after=self._position, limit=PAGE))
            if page:
                self._position = page[-1].position
            yield [stored.event() for stored in page]
            if not page:
                await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """See `EventSource.close`."""
        if self._store is not None:
            await self._ask(lambda store: store.close())
        self._worker.stop()

    async def _page(self, selection: Selection, before: int) -> list[StoredEvent]:
        wanted = selection.store_filter()
        return await self._ask(lambda store: store.events(wanted, before=before, limit=PAGE, newest_first=True))

    async def _ask(self, question: Callable[[Store], Answer]) -> Answer:
        if self._store is None:
            raise SourceError(f"{self.name}: not open")
        try:
            return await self._worker.run(partial(question, self._store))
        except (StoreError, TimeoutError) as exc:
            raise SourceError(str(exc) or f"{self.name}: no answer") from exc

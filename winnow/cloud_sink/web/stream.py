"""Server-sent events: what the page shows first, then everything new, resumable by position.

Messages, each with JSON as its data:
    snapshot     the newest events, newest first; replaces what a browser has
    events       new events, oldest first; its id is the position to resume from
    thumbnails   pictures of events that were sent before
    trouble      why the stream ends now; the browser tries again

Source of the format: WHATWG HTML, section 9.2, server-sent events.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from winnow.cloud_sink.store.errors import StoreError
from winnow.cloud_sink.store.rows import EventFilter, StoredEvent
from winnow.cloud_sink.store.store import Store
from winnow.cloud_sink.web.api import DEFAULT_EVENTS, MAX_EVENTS
from winnow.cloud_sink.web.feed import Feed, Listener, TooManyListenersError, Update
from winnow.cloud_sink.web.parameters import (
    FILTER_PARAMETERS,
    MAX_POSITION,
    ParameterError,
    check_known,
    matches,
    read_filter,
    read_number,
)
from winnow.cloud_sink.web.representation import encode, event_page, picture_page

HEARTBEAT_S: Final = 15.0
"""A comment this often keeps proxies from closing a quiet stream."""
RETRY_MS: Final = 1000
"""How long a browser waits before it comes back."""
MAX_MISSED: Final = 500
"""Who has missed more gets a snapshot instead; /api/events pages through any number."""

_HEARTBEAT: Final = b": still here\n\n"


class Stream:
    """The endpoint of the stream.

    Args:
        store: for what was there before.
        feed: for what comes.
    """

    def __init__(self, store: Store, feed: Feed) -> None:
        self._store = store
        self._feed = feed

    async def endpoint(self, request: Request) -> Response:
        """Return a stream that ends when the browser leaves or the feed closes."""
        query = request.query_params
        check_known(query, FILTER_PARAMETERS | {"limit"})
        wanted = read_filter(query)
        limit = read_number(query, "limit", default=DEFAULT_EVENTS, lowest=1, highest=MAX_EVENTS)
        seen = _last_event_id(request)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._messages(wanted, limit, seen), media_type="text/event-stream", headers=headers)

    async def _messages(self, wanted: EventFilter, limit: int, seen: int | None) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % RETRY_MS
        try:
            with self._feed.listener() as listener:
                opening, position = await run_in_threadpool(self._opening, wanted, limit, seen)
                for message in opening:
                    yield message
                self._feed.start_at(position)
                async with aclosing(_updates(listener, wanted, position)) as updates:
                    async for message in updates:
                        yield message
        except TooManyListenersError:
            yield _message("trouble", {"message": "too many browsers are connected; close one"})
        except StoreError as exc:
            yield _message("trouble", {"message": str(exc)})

    def _opening(self, wanted: EventFilter, limit: int, seen: int | None) -> tuple[list[bytes], int]:
        """Return the first messages, and the position up to which they tell everything."""
        newest = self._store.events(limit=1, newest_first=True)
        position = newest[0].position if newest else 0
        if seen is not None and seen <= position:
            missed = self._store.events(after=seen, limit=MAX_MISSED + 1)
            if len(missed) <= MAX_MISSED:
                return self._catch_up(wanted, limit, seen, missed), missed[-1].position if missed else position
        events = self._store.events(wanted, before=position + 1, limit=limit, newest_first=True)
        return [_message("snapshot", event_page(events), position)], position

    def _catch_up(self, wanted: EventFilter, limit: int, seen: int, missed: Sequence[StoredEvent]) -> list[bytes]:
        """Return what came since `seen`: events, and pictures of the events before them."""
        before = self._store.events(wanted, before=seen + 1, limit=limit, newest_first=True)
        position = missed[-1].position if missed else seen
        events = [event for event in missed if matches(wanted, event)]
        return [_message("thumbnails", picture_page(before)), _message("events", event_page(events), position)]


async def _updates(listener: Listener, wanted: EventFilter, position: int) -> AsyncGenerator[bytes]:
    """Yield what comes after `position` until the listener ends."""
    while True:
        try:
            update = await listener.next(HEARTBEAT_S)
        except TimeoutError:
            yield _HEARTBEAT
            continue
        if update is None:
            return
        for message in _messages_of(update, wanted, position):
            yield message
        if update.events:
            position = max(position, update.events[-1].position)


def _messages_of(update: Update, wanted: EventFilter, position: int) -> list[bytes]:
    messages = []
    events = [event for event in update.events if event.position > position and matches(wanted, event)]
    if events:
        messages.append(_message("events", event_page(events), update.events[-1].position))
    pictured = [event for event in update.pictured if matches(wanted, event)]
    if pictured:
        messages.append(_message("thumbnails", picture_page(pictured)))
    return messages


def _message(event: str, value: object, position: int | None = None) -> bytes:
    identity = b"" if position is None else b"id: %d\n" % position
    return identity + b"event: %s\ndata: %s\n\n" % (event.encode(), encode(value))


def _last_event_id(request: Request) -> int | None:
    text = request.headers.get("Last-Event-ID", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_POSITION))):
        raise ParameterError("Last-Event-ID", "must be a position that this stream has sent")
    return int(text)

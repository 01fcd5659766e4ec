"""The seam to where events are read from."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Final, Protocol

from winnow.cloud_sink.tail.selection import Selection
from winnow.events import Event

ANSWER_TIMEOUT_S: Final = 5.0
"""How long an address may take to answer before it counts as out of reach."""


class SourceError(Exception):
    """The source cannot be reached or used; the message is one line that names it."""


class EventSource(Protocol):
    """Somewhere that events come from.

    Attributes:
        name: for people, e.g. `Kafka at 127.0.0.1:9092`.
    """

    name: str

    async def open(self) -> None:
        """The source is connected; what comes from now on will be in `live`.

        Raises:
            SourceError: it does not answer within seconds.
        """

    async def backlog(self, selection: Selection, lines: int | None) -> list[Event]:
        """Return events that were there before `open`, oldest first; a source without a memory returns none.

        Args:
            selection: which events.
            lines: only the newest ones, this many; None returns all.
        """

    def live(self) -> AsyncIterator[list[Event]]:
        """Yield what comes, for ever; an empty list whenever nothing came for a moment.

        Raises:
            SourceError: the source was lost and does not come back.
        """

    async def close(self) -> None:
        """Every connection is closed; takes seconds at most."""


def newest(events: Iterable[Event], lines: int | None) -> list[Event]:
    """Return the newest `lines` events (all if None) in the order in which the edges recorded them."""
    ordered = sorted(events, key=recorded_at)
    return ordered if lines is None else ordered[max(0, len(ordered) - lines) :]


def recorded_at(event: Event) -> datetime:
    """Return when the edge recorded the event, or when it happened if it was never recorded."""
    return event.recorded.at if event.recorded else event.time

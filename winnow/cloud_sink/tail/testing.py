"""Fakes of the tail's seam."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from winnow.cloud_sink.tail.selection import Selection
from winnow.cloud_sink.tail.source import newest
from winnow.events import Event


class FakeSource:
    """An `EventSource` that knows its past and what will come.

    Args:
        past: what was there before `open`.
        coming: what each step of `live` yields; then it ends, which a real one never does.
        on_step: called before each step, to move a clock.
    """

    def __init__(
        self,
        past: Iterable[Event] = (),
        coming: Iterable[Sequence[Event]] = (),
        *,
        on_step: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = "the fake"
        self.is_open = False
        self._past = list(past)
        self._coming = list(coming)
        self._on_step = on_step

    async def open(self) -> None:
        """See `EventSource.open`."""
        self.is_open = True

    async def backlog(self, selection: Selection, lines: int | None) -> list[Event]:
        """See `EventSource.backlog`."""
        return newest(filter(selection.shows, self._past), lines)

    async def live(self) -> AsyncIterator[list[Event]]:
        """See `EventSource.live`."""
        for events in self._coming:
            self._on_step()
            yield list(events)

    async def close(self) -> None:
        """See `EventSource.close`."""
        self.is_open = False

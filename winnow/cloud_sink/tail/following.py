"""The loop of `winnow tail`: what was, then what comes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from winnow.cloud_sink.tail.selection import Seen, Selection
from winnow.cloud_sink.tail.source import EventSource
from winnow.events import Event
from winnow.runtime.clock import Clock

WAIT_NOTICE_AFTER_S: Final = 3.0
"""How long nothing may come before a person is told what is waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to show.

    Attributes:
        selection: which events.
        lines: most events of the past; None shows all.
        follow: whether to go on with what comes.
    """

    selection: Selection
    lines: int | None
    follow: bool


class Tail:
    """One run of `winnow tail`.

    Args:
        source: not open yet.
        plan: what to show.
        show: called for each wanted event once, however often it is delivered, oldest first.
        notice: called with a sentence for people when there is nothing to show.
        clock: measures how long nothing came.
    """

    def __init__(
        self,
        source: EventSource,
        plan: Plan,
        *,
        show: Callable[[Event], None],
        notice: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._source = source
        self._plan = plan
        self._show = show
        self._notice = notice
        self._clock = clock
        self._seen = Seen()
        self._shown = 0

    async def run(self) -> None:
        """Everything wanted was shown and the source is closed; with `follow` that lasts until this is cancelled.

        Raises:
            SourceError: the source does not answer, or was lost.
        """
        await self._source.open()
        try:
            self._show_new(await self._source.backlog(self._plan.selection, self._plan.lines))
            if self._plan.follow:
                await self._follow()
            elif not self._shown:
                self._notice(f"nothing to show in {self._source.name}; -f waits for what comes")
        finally:
            await self._source.close()

    async def _follow(self) -> None:
        since_s = self._clock.monotonic_s()
        told = False
        async for events in self._source.live():
            self._show_new(event for event in events if self._plan.selection.shows(event))
            waited_s = self._clock.monotonic_s() - since_s
            if not (self._shown or told) and waited_s >= WAIT_NOTICE_AFTER_S:
                self._notice(f"waiting for events from {self._source.name}; Ctrl-C ends this")
                told = True

    def _show_new(self, events: Iterable[Event]) -> None:
        for event in events:
            if self._seen.is_new(event):
                self._show(event)
                self._shown += 1

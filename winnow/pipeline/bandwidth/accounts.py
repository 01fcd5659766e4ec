"""Brings the day book and the budget up to date with what cameras read and the publisher sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from threading import Lock
from typing import Final
from zoneinfo import ZoneInfo

from winnow.pipeline.bandwidth.budget import DailyBudget
from winnow.pipeline.bandwidth.day_book import NODE, DayBook, DayTotals
from winnow.pipeline.bandwidth.day_file import DayFile
from winnow.pipeline.delivery.wire import SentBytes
from winnow.runtime.clock import Clock

UPDATE_EVERY_S: Final = 1.0
"""How far the budget may lag behind what was sent."""

SAVE_EVERY_S: Final = 30.0
"""What a crash may forget of a day's sums. An orderly end forgets nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraAccount:
    """What one camera, or the node itself, sent since the process started, and its sums of the day."""

    wire: SentBytes
    day: date
    today: DayTotals


class Accounts:
    """The accounts of one node; one thread updates them, any may read.

    Args:
        sent: bytes that went out so far, for a camera or (None) the node itself.
        waiting_bytes: what waits in the spool.
        file: keeps the sums.
        budget: decides on pictures.
        zone: the day's time zone.
        clock: tells the day, and when it is time to update.
    """

    def __init__(  # noqa: PLR0913 - what accounts are made of
        self,
        *,
        sent: Callable[[str | None], SentBytes],
        waiting_bytes: Callable[[], int],
        file: DayFile,
        budget: DailyBudget,
        zone: ZoneInfo,
        clock: Clock,
    ) -> None:
        self.budget = budget
        self._sent = sent
        self._waiting_bytes = waiting_bytes
        self._file = file
        self._zone = zone
        self._clock = clock
        self._lock = Lock()
        self._book: DayBook = file.load()
        self._seen: dict[str, DayTotals] = {}
        self._updated_at_s = float("-inf")
        self._saved_at_s = clock.monotonic_s()
        self.budget.update(self._used_bytes())

    @property
    def day(self) -> date:
        """Return the day in its time zone."""
        return self._clock.now().astimezone(self._zone).date()

    def update(self, read_bytes: Callable[[], Mapping[str, int]], *, at_once: bool = False) -> None:
        """Take in what happened since the last call, unless that was a moment ago.

        Args:
            read_bytes: what each camera has read since it was started.
            at_once: also if that was a moment ago.
        """
        now_s = self._clock.monotonic_s()
        if not at_once and now_s - self._updated_at_s < UPDATE_EVERY_S:
            return
        self._updated_at_s = now_s
        counted = {name: self._counted(name, read) for name, read in read_bytes().items()}
        counted[NODE] = self._counted(NODE, 0)
        growth = {name: _growth(self._seen.get(name, DayTotals()), now) for name, now in counted.items()}
        self._seen |= counted
        with self._lock:
            self._book.add(self.day, growth)
        self.budget.update(self._used_bytes())
        if now_s - self._saved_at_s >= SAVE_EVERY_S:
            self._saved_at_s = now_s
            self._file.keep_aside(self._book)

    def change_day(self, limit_bytes: int | None, zone: ZoneInfo) -> None:
        """Keep to another limit, or begin days in another zone, from now on."""
        self._zone = zone
        self.budget.limit_bytes = limit_bytes
        self.budget.update(self._used_bytes())

    def close(self) -> None:
        """Take in what was sent last, and keep the sums; waits for the disk."""
        self.update(lambda: {name: totals.read for name, totals in self._seen.items() if name != NODE}, at_once=True)
        self._file.keep(self._book)

    def of(self, camera: str | None) -> CameraAccount:
        """Return the account of a camera, or of the node itself."""
        day = self.day
        with self._lock:
            today = self._book.of(day, camera or NODE)
        return CameraAccount(wire=self._sent(camera), day=day, today=today)

    def sent_today(self) -> int:
        """Return what was sent today."""
        with self._lock:
            return self._book.sent(self.day)

    def _used_bytes(self) -> int:
        return self.sent_today() + self._waiting_bytes()

    def _counted(self, name: str, read: int) -> DayTotals:
        wire = self._sent(name or None)
        return DayTotals(read=read, events=wire.events, thumbnails=wire.thumbnails, resent=wire.resent)


def _growth(before: DayTotals, now: DayTotals) -> DayTotals:
    """Return what was added; a camera that was opened anew counts what it reads from zero again."""
    return DayTotals(
        read=now.read - before.read if now.read >= before.read else now.read,
        events=now.events - before.events,
        thumbnails=now.thumbnails - before.thumbnails,
        resent=now.resent - before.resent,
    )

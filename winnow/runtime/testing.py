"""Fakes of the runtime's seams."""

from datetime import UTC, datetime, timedelta


class ManualClock:
    """A clock that moves only when told to, or when somebody sleeps on it."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._monotonic_s = 0.0

    def now(self) -> datetime:
        """Return the time that was set."""
        return self._now

    def monotonic_s(self) -> float:
        """Return the seconds that were moved so far."""
        return self._monotonic_s

    def sleep(self, seconds: float) -> None:
        """Move the clock by `seconds` and return at once."""
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move wall and monotonic time forward by `seconds`."""
        self._now += timedelta(seconds=seconds)
        self._monotonic_s += seconds

    def step_wall(self, seconds: float) -> None:
        """Move only the wall time, as a clock correction does."""
        self._now += timedelta(seconds=seconds)

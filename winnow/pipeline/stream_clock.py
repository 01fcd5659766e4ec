"""From one epoch's stream time to wall time, and what that rests on."""

from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from winnow.pipeline.sources import ClockSource, Frame, wall_time

FOLLOWS_FROM: Final = timedelta(milliseconds=5)
"""A smaller difference is rounding: a time that was told once must not come out another way the next time."""


class StreamClock:
    """Wall time of one epoch.

    For a recording it never changes. A camera may tell its own clock (RTCP sender reports) seconds after its first
    frame, and tells it again and again: wall times are right from then on, and what is tracked lives on.

    Args:
        first: the epoch's first frame.

    Attributes:
        source: what wall time rests on.
    """

    def __init__(self, first: Frame) -> None:
        self.source: ClockSource = first.clock_source
        self._starts_at = _starts_at(first)

    def follow(self, frame: Frame) -> bool:
        """Take a later frame's wall time over; return whether it rests on something else now."""
        if frame.clock_source == "file":
            return False
        starts_at = _starts_at(frame)
        changes = frame.clock_source != self.source
        if changes or abs(starts_at - self._starts_at) >= FOLLOWS_FROM:
            self.source, self._starts_at = frame.clock_source, starts_at
        return changes

    def moment(self, at_s: Fraction) -> datetime:
        """Return the wall time of a stream time, aware UTC."""
        return wall_time(self._starts_at, at_s)


def _starts_at(frame: Frame) -> datetime:
    return frame.captured_at - timedelta(microseconds=round(frame.stream_s * 1_000_000))

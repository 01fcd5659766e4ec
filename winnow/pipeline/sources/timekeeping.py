"""From the time stamps that a stream carries to one time that only goes forward.

A stream's PTS may start anywhere, be missing, jump, or go back (a camera restarts, recordings are joined). Within an
*epoch* stream time follows the PTS exactly. Where the PTS cannot be believed a new epoch starts, later than the last
one ended: everything after this module sees time that never goes back, and resets what it tracks when the epoch
changes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Protocol

from winnow.pipeline.sources.frame import EPOCH, wall_time
from winnow.runtime.clock import Clock

MAX_STEP_S: Final = 2
"""A longer step between two frames starts a new epoch: nothing that moves can be followed across it."""

MAX_GAP_S: Final = 24 * 60 * 60
"""A longer gap inside a file is a damaged time stamp, not a pause in the recording."""


_MICROSECOND: Final = Fraction(1, 1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When one frame was shown.

    Attributes:
        pts: the frame's time stamp; counted on from the last one where the stream gave none.
        time_base: seconds a tick of it.
        stream_s: seconds since the source's first frame.
        stream_epoch: 0 for the first epoch.
        captured_at: wall time, aware UTC.
        read_at_mono_s: monotonic time of reading; None for recorded streams.
    """

    pts: int
    time_base: Fraction
    stream_s: Fraction
    stream_epoch: int
    captured_at: datetime
    read_at_mono_s: float | None


class Timekeeper(Protocol):
    """Gives each frame of one source its moment; one implementation for recorded streams, one for live ones."""

    def moment(self, pts: int | None, time_base: Fraction, nominal_s: Fraction) -> Moment:
        """Return when the next frame was shown; `nominal_s` is the usual time between two frames."""

    def restart(self) -> None:
        """Start a new epoch with the next frame."""


class StreamTimeline:
    """Stream time of one source over all its epochs."""

    def __init__(self) -> None:
        self.stream_epoch = 0
        self._last_pts: int | None = None
        self._last_s = Fraction(0)
        self._is_restarting = False

    def restart(self) -> None:
        """Start a new epoch with the next frame."""
        self._is_restarting = self._last_pts is not None

    def place(
        self, pts: int | None, time_base: Fraction, nominal_s: Fraction, elapsed_s: Fraction | None = None
    ) -> tuple[int, Fraction]:
        """Return PTS and stream time of the next frame, and start a new epoch if its PTS cannot be believed.

        Args:
            pts: as the stream gave it.
            time_base: seconds a tick.
            nominal_s: usual seconds between frames, used where the stream does not tell.
            elapsed_s: seconds since the source's first frame by another clock, where a live source has one: it says
                how long the break between two epochs was.
        """
        if self._last_pts is None:
            placed_pts = 0 if pts is None else pts
        else:
            placed_pts = self._last_pts + round(nominal_s / time_base) if pts is None else pts
            step_s = (placed_pts - self._last_pts) * time_base
            is_believed = 0 <= step_s <= MAX_STEP_S and not self._is_restarting
            if not is_believed:
                step_s = self._break_s(step_s, nominal_s, elapsed_s)
                self.stream_epoch += 1
            self._last_s += step_s
        self._last_pts = placed_pts
        self._is_restarting = False
        return placed_pts, self._last_s

    def _break_s(self, step_s: Fraction, nominal_s: Fraction, elapsed_s: Fraction | None) -> Fraction:
        """Return how long the break before a new epoch lasts."""
        if elapsed_s is not None:
            return max(elapsed_s - self._last_s, nominal_s)
        is_pause = MAX_STEP_S < step_s <= MAX_GAP_S and not self._is_restarting
        return step_s if is_pause else nominal_s


class RecordedTime:
    """Time of a recording: its first frame is at `starts_at`, all others follow by PTS."""

    def __init__(self, starts_at: datetime = EPOCH) -> None:
        self._starts_at = starts_at
        self._timeline = StreamTimeline()

    def moment(self, pts: int | None, time_base: Fraction, nominal_s: Fraction) -> Moment:
        """Return when the next frame was shown."""
        placed_pts, stream_s = self._timeline.place(pts, time_base, nominal_s)
        return Moment(
            pts=placed_pts,
            time_base=time_base,
            stream_s=stream_s,
            stream_epoch=self._timeline.stream_epoch,
            captured_at=wall_time(self._starts_at, stream_s),
            read_at_mono_s=None,
        )

    def restart(self) -> None:
        """Start a new epoch with the next frame."""
        self._timeline.restart()


class LiveTime:
    """Time of a camera: an epoch is tied to this machine's clock at its first frame, and follows the PTS from there.

    Attributes:
        follows_arrival: the stream carries no time stamps of its own, so frames are timed by when they arrived.
    """

    def __init__(self, clock: Clock) -> None:
        self.follows_arrival = False
        self._clock = clock
        self._timeline = StreamTimeline()
        self._first_read_mono_s: float | None = None
        self._anchored_epoch = -1
        self._anchor = EPOCH

    def moment(self, pts: int | None, time_base: Fraction, nominal_s: Fraction) -> Moment:
        """Return when the next frame was shown."""
        read_at_mono_s = self._clock.monotonic_s()
        if self._first_read_mono_s is None:
            self._first_read_mono_s = read_at_mono_s
        elapsed_us = round((read_at_mono_s - self._first_read_mono_s) * 1_000_000)
        elapsed_s = elapsed_us * _MICROSECOND
        if self.follows_arrival:
            pts, time_base = elapsed_us, _MICROSECOND
        placed_pts, stream_s = self._timeline.place(pts, time_base, nominal_s, elapsed_s)
        epoch = self._timeline.stream_epoch
        if epoch != self._anchored_epoch:
            self._anchored_epoch = epoch
            self._anchor = self._clock.now() - timedelta(microseconds=round(stream_s * 1_000_000))
        return Moment(
            pts=placed_pts,
            time_base=time_base,
            stream_s=stream_s,
            stream_epoch=epoch,
            captured_at=wall_time(self._anchor, stream_s),
            read_at_mono_s=read_at_mono_s,
        )

    def restart(self) -> None:
        """Start a new epoch with the next frame."""
        self._timeline.restart()

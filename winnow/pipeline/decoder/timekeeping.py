"""From the time stamps that a stream carries to one time that only goes forward.

A stream's PTS may start anywhere, be missing, jump, or go back (a camera restarts, recordings are joined). Within an
*epoch* stream time follows the PTS exactly. Where the PTS cannot be believed a new epoch starts, later than the last
one ended: everything after this module sees time that never goes back, and resets what it tracks when the epoch
changes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final, Protocol

from winnow.pipeline.decoder.lag import Lag
from winnow.pipeline.decoder.sender_clock import SenderClock
from winnow.pipeline.decoder.stats import ClockSource
from winnow.runtime.clock import Clock

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a stream starts that does not know its own wall time and was not told."""

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
        clock_source: what the wall time rests on.
    """

    pts: int
    time_base: Fraction
    stream_s: Fraction
    stream_epoch: int
    captured_at: datetime
    read_at_mono_s: float | None
    clock_source: ClockSource


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPosition:
    """Where the time of a live source stands, so that the next connection goes on from there.

    Attributes:
        stream_epoch: of the last frame.
        stream_s: of the last frame.
        first_read_mono_s: monotonic time at which the source's first frame was read.
    """

    stream_epoch: int
    stream_s: Fraction
    first_read_mono_s: float


class Timekeeper(Protocol):
    """Gives each frame of one source its moment; one implementation for recorded streams, one for live ones."""

    def moment(self, pts: int | None, time_base: Fraction, nominal_s: Fraction) -> Moment:
        """Return when the next frame was shown; `nominal_s` is the usual time between two frames."""

    def restart(self) -> None:
        """Start a new epoch with the next frame."""

    def note_reference(self, pts: int, time_base: Fraction, wall_us: int) -> None:
        """Learn that the camera says it took the picture at `pts` at `wall_us` microseconds since 1970."""


class StreamTimeline:
    """Stream time of one source over all its epochs.

    Args:
        after: the last frame of a connection before this one; the next frame starts a new epoch after it.
    """

    def __init__(self, after: StreamPosition | None = None) -> None:
        self.stream_epoch = after.stream_epoch if after else 0
        self._last_pts = 0 if after else None
        self._last_s = after.stream_s if after else Fraction(0)
        self._is_restarting = after is not None

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
    """Time of a recording: stream time 0 is at `starts_at`, all frames follow by PTS.

    Args:
        starts_at: wall time, aware.
        after: the last frame of the recording before this one.
    """

    def __init__(self, starts_at: datetime = EPOCH, *, after: StreamPosition | None = None) -> None:
        self._starts_at = starts_at
        self._begins_at: datetime | None = None
        self._timeline = StreamTimeline(after)

    def moment(self, pts: int | None, time_base: Fraction, nominal_s: Fraction) -> Moment:
        """Return when the next frame was shown."""
        placed_pts, stream_s = self._timeline.place(pts, time_base, nominal_s)
        if self._begins_at is not None:
            self._starts_at = self._begins_at - timedelta(microseconds=round(stream_s * 1_000_000))
            self._begins_at = None
        return Moment(
            pts=placed_pts,
            time_base=time_base,
            stream_s=stream_s,
            stream_epoch=self._timeline.stream_epoch,
            captured_at=wall_time(self._starts_at, stream_s),
            read_at_mono_s=None,
            clock_source="file",
        )

    def begin(self, at: datetime) -> None:
        """Start a new epoch with the next frame, which is at this wall time."""
        self._timeline.restart()
        self._begins_at = at

    def restart(self) -> None:
        """Start a new epoch with the next frame."""
        self._timeline.restart()

    def note_reference(self, pts: int, time_base: Fraction, wall_us: int) -> None:
        """Change nothing: a replay gives a recording its time."""


class LiveTime:
    """Time of a camera: the camera's own clock where it tells that, else this machine's at the epoch's first frame.

    Either way an epoch's time follows the PTS. By this machine's clock no frame was taken later than it was read: the
    first frames of a connection often come late and all at once, and only the last of them tells how late. Where all
    frames of a minute come late, times are later from then on, see `lag`. A camera's own clock (RTCP sender reports)
    ties the epoch from the first report on, and again with each further one, so that it does not drift.

    Args:
        clock: this machine's.
        after: where a connection before this one ended.
        max_clock_difference_s: a camera whose clock is further off from this machine's is not believed.

    Attributes:
        follows_arrival: the stream carries no time stamps of its own, so frames are timed by when they arrived.
    """

    def __init__(
        self, clock: Clock, *, after: StreamPosition | None = None, max_clock_difference_s: float = 60
    ) -> None:
        self.follows_arrival = False
        self._clock = clock
        self._timeline = StreamTimeline(after)
        self._sender = SenderClock()
        self._max_difference = timedelta(seconds=max_clock_difference_s)
        self._first_read_mono_s = after.first_read_mono_s if after else None
        self._anchored_epoch = -1
        self._anchor = EPOCH
        self._lag = Lag()

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
        captured_at, clock_source = self._captured_at(placed_pts * time_base, stream_s, read_at_mono_s)
        return Moment(
            pts=placed_pts,
            time_base=time_base,
            stream_s=stream_s,
            stream_epoch=self._timeline.stream_epoch,
            captured_at=captured_at,
            read_at_mono_s=read_at_mono_s,
            clock_source=clock_source,
        )

    def restart(self) -> None:
        """Start a new epoch with the next frame."""
        self._timeline.restart()

    def note_reference(self, pts: int, time_base: Fraction, wall_us: int) -> None:
        """Learn what the camera's clock says."""
        self._sender.note(pts * time_base, wall_us)

    def _captured_at(self, pts_s: Fraction, stream_s: Fraction, mono_s: float) -> tuple[datetime, ClockSource]:
        """Return wall time by the camera's clock if it can be believed, else by this machine's."""
        epoch, now = self._timeline.stream_epoch, self._clock.now()
        if epoch != self._anchored_epoch or wall_time(self._anchor, stream_s) > now:
            self._anchored_epoch = epoch
            self._anchor = now - timedelta(microseconds=round(stream_s * 1_000_000))
            self._lag.restart()
        self._anchor += self._lag.note(now - wall_time(self._anchor, stream_s), mono_s)
        told = self._sender.wall_us(pts_s)
        if told is not None and not self.follows_arrival:
            captured_at = EPOCH + timedelta(microseconds=told)
            if abs(captured_at - now) <= self._max_difference:
                return captured_at, "rtcp"
        return wall_time(self._anchor, stream_s), "wall"


def wall_time(starts_at: datetime, stream_s: Fraction) -> datetime:
    """Return `starts_at` plus `stream_s`, rounded to microseconds."""
    return starts_at + timedelta(microseconds=round(stream_s * 1_000_000))

"""Stream time from time stamps that cannot always be believed."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest

from winnow.pipeline.decoder.timekeeping import LiveTime, RecordedTime, StreamTimeline
from winnow.runtime.testing import ManualClock

TICK = Fraction(1, 90_000)
NOMINAL = Fraction(1, 10)
START = datetime(2026, 1, 1, tzinfo=UTC)


def _place(timeline: StreamTimeline, *stamps: int | None) -> list[tuple[Fraction | int, int]]:
    placed: list[tuple[Fraction | int, int]] = []
    for stamp in stamps:
        _, stream_s = timeline.place(stamp, TICK, NOMINAL)
        placed.append((stream_s, timeline.stream_epoch))
    return placed


def test_timeline_starts_at_zero_wherever_the_time_stamps_start() -> None:
    """The first frame is at 0 s; the others follow exactly."""
    assert _place(StreamTimeline(), 1_000_001, 1_003_004) == [(Fraction(0), 0), (Fraction(3003, 90_000), 0)]


def test_timeline_counts_on_where_a_time_stamp_is_missing() -> None:
    """A frame without a time stamp comes one usual frame time after the last one."""
    timeline = StreamTimeline()
    _place(timeline, 0)
    assert timeline.place(None, TICK, NOMINAL) == (9000, NOMINAL)


def test_timeline_of_a_stream_without_time_stamps_follows_the_frame_rate() -> None:
    """Not one time stamp: frames are one usual frame time apart."""
    assert [stream_s for stream_s, _ in _place(StreamTimeline(), None, None, None)] == [0, NOMINAL, 2 * NOMINAL]


def test_timeline_starts_an_epoch_when_time_stamps_go_back() -> None:
    """Time goes on by one usual frame time, in a new epoch, and follows the new time stamps from there."""
    assert _place(StreamTimeline(), 900_000, 0, 9000) == [(0, 0), (NOMINAL, 1), (2 * NOMINAL, 1)]


def test_timeline_starts_an_epoch_after_a_pause_and_counts_the_pause() -> None:
    """A recording that pauses for ten seconds is ten seconds longer; nothing is tracked across the pause."""
    assert _place(StreamTimeline(), 0, 900_000) == [(0, 0), (10, 1)]


def test_timeline_keeps_the_epoch_at_two_seconds() -> None:
    """Slow cameras with a frame every two seconds are one stream."""
    assert _place(StreamTimeline(), 0, 180_000) == [(0, 0), (2, 0)]


def test_timeline_does_not_believe_a_pause_of_more_than_a_day() -> None:
    """One damaged time stamp does not move the events of a recording years away."""
    assert _place(StreamTimeline(), 0, 2**62, 2**62 + 9000) == [(0, 0), (NOMINAL, 1), (2 * NOMINAL, 1)]


def test_timeline_keeps_frames_with_the_same_time_stamp_in_one_epoch() -> None:
    """Two frames at one time are unusual, but time did not go back."""
    assert _place(StreamTimeline(), 0, 9000, 9000) == [(0, 0), (NOMINAL, 0), (NOMINAL, 0)]


def test_timeline_restart_before_the_first_frame_changes_nothing() -> None:
    """Epochs are counted from 0."""
    timeline = StreamTimeline()
    timeline.restart()
    assert _place(timeline, 0) == [(0, 0)]


def test_recorded_time_adds_stream_time_to_the_start() -> None:
    """The wall time of a recording is a function of its time stamps alone."""
    recorded = RecordedTime(START)
    recorded.moment(0, TICK, NOMINAL)
    moment = recorded.moment(9000, TICK, NOMINAL)
    assert moment.captured_at == START + timedelta(seconds=0.1)
    assert moment.read_at_mono_s is None


def test_live_time_follows_time_stamps_not_arrival() -> None:
    """A frame that arrives late was still captured when its time stamp says."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.moment(0, TICK, NOMINAL)
    clock.advance(0.7)
    moment = live.moment(9000, TICK, NOMINAL)
    assert moment.captured_at == START + timedelta(seconds=0.1)
    assert moment.read_at_mono_s == pytest.approx(0.7)


def test_live_time_counts_a_lost_connection_by_the_clock() -> None:
    """Forty seconds without the camera are forty seconds of stream time, whatever its new time stamps say."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.moment(123_456, TICK, NOMINAL)
    clock.advance(40)
    live.restart()
    moment = live.moment(0, TICK, NOMINAL)
    assert (moment.stream_s, moment.stream_epoch) == (Fraction(40), 1)
    assert moment.captured_at == START + timedelta(seconds=40)


def test_live_time_is_tied_to_the_clock_anew_in_each_epoch() -> None:
    """After the machine's clock was set right, the next epoch is right too."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.moment(0, TICK, NOMINAL)
    clock.step_wall(3600)
    assert live.moment(9000, TICK, NOMINAL).captured_at == START + timedelta(seconds=0.1)
    live.restart()
    assert live.moment(0, TICK, NOMINAL).captured_at == START + timedelta(hours=1)


def _lags_s(live: LiveTime, clock: ManualClock, seconds: int, *, ticks_a_second: int = 90_000) -> list[float]:
    """Return how late each of so many frames comes, one a second, every third of them half a second more."""
    found = []
    for second in range(seconds):
        clock.advance(1.5 if second % 3 == 1 else 0.5 if second % 3 == 2 else 1.0)
        captured_at = live.moment((second + 1) * ticks_a_second, TICK, NOMINAL).captured_at
        found.append((clock.now() - captured_at).total_seconds())
    return found


def test_live_time_follows_a_clock_that_is_set_while_the_camera_is_watched() -> None:
    """A box that woke up an hour behind is right two minutes after its clock was set, in the same epoch."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.moment(0, TICK, NOMINAL)
    clock.step_wall(3600)
    lags_s = _lags_s(live, clock, 200)
    assert min(lags_s[:60]) == 3600
    assert all(0 <= lag_s <= 0.5 for lag_s in lags_s[122:])
    assert live.moment(201 * 90_000, TICK, NOMINAL).stream_epoch == 0


def test_live_time_does_not_drift_with_a_slow_camera() -> None:
    """A camera whose clock loses a second in five minutes is never further behind than two."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.moment(0, TICK, NOMINAL)
    assert max(_lags_s(live, clock, 3600, ticks_a_second=89_700)) < 2


def test_live_time_of_an_untimed_stream_follows_arrival() -> None:
    """A stream of JPEG pictures carries no time: they were captured when they arrived."""
    clock = ManualClock(START)
    live = LiveTime(clock)
    live.follows_arrival = True
    live.moment(0, TICK, NOMINAL)
    clock.advance(0.5)
    moment = live.moment(3600, TICK, NOMINAL)
    assert (moment.stream_s, moment.stream_epoch) == (Fraction(1, 2), 0)

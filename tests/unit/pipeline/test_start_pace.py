"""How many live cameras may start, and when."""

from winnow.pipeline.start_pace import AT_ONCE, PER_S, StartPace


def _starts(pace: StartPace, now_s: float) -> int:
    return sum(pace.takes(now_s) for _ in range(100))


def test_some_start_together_and_the_rest_at_a_steady_pace() -> None:
    """Two cores start eight at once, then one a second, whatever the times at which it is asked."""
    pace = StartPace(2)
    assert _starts(pace, 100.0) == 2 * AT_ONCE
    assert _starts(pace, 100.25) == 0
    later = sum(_starts(pace, 100.0 + number / 8) for number in range(3, 81))
    assert later == 2 * PER_S * 10


def test_long_quiet_time_lets_no_more_start_together() -> None:
    """An hour later it is as at the beginning."""
    pace = StartPace(1)
    assert _starts(pace, 0.0) == AT_ONCE
    assert _starts(pace, 3600.0) == AT_ONCE

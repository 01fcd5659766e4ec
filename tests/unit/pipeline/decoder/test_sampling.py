"""Which frames are analysed."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.decoder.sampling import FrameSampler


def _taken(times: list[Fraction], rate: Fraction | float) -> list[Fraction]:
    sampler = FrameSampler(rate)
    return [time for time in times if sampler.takes(time)]


def test_sampler_takes_every_other_frame_of_twice_the_rate() -> None:
    """Of ten frames a second, a rate of five takes those at 0, 0.2, 0.4 s and so on."""
    times = [Fraction(n, 10) for n in range(20)]
    assert _taken(times, 5) == times[::2]


@pytest.mark.parametrize("camera_rate", [Fraction(25), Fraction(25, 2), Fraction(30), Fraction(30000, 1001)])
def test_sampler_keeps_the_rate_of_cameras_that_are_no_multiple_of_it(camera_rate: Fraction) -> None:
    """Over 100 seconds 500 frames are taken, give or take one at the end."""
    times = [n / camera_rate for n in range(int(100 * camera_rate))]
    assert abs(len(_taken(times, 5)) - 500) <= 1


def test_sampler_takes_all_of_a_slower_source() -> None:
    """Two frames a second at a rate of five: nothing is left out."""
    times = [Fraction(n, 2) for n in range(10)]
    assert _taken(times, 5) == times


def test_sampler_takes_one_frame_after_a_pause() -> None:
    """Grid points that nobody saw are not made up for."""
    times = [Fraction(0), Fraction(10), Fraction(1001, 100), Fraction(1002, 100), Fraction(102, 10)]
    assert _taken(times, 5) == [Fraction(0), Fraction(10), Fraction(102, 10)]


def test_sampler_takes_no_second_frame_at_the_same_time() -> None:
    """Frames that share a time stamp count as one."""
    assert _taken([Fraction(0), Fraction(0), Fraction(1), Fraction(1)], 5) == [Fraction(0), Fraction(1)]


def test_sampler_reads_a_rate_with_decimals_exactly() -> None:
    """A rate of 0.1 from a settings file is one frame in ten seconds, not its binary neighbour."""
    times = [Fraction(n, 10) for n in range(1001)]
    assert _taken(times, 0.1) == [Fraction(10 * n) for n in range(11)]


@pytest.mark.parametrize("rate", [0, -1])
def test_sampler_refuses_a_rate_that_takes_nothing(rate: int) -> None:
    """A rate is positive."""
    with pytest.raises(ValueError, match="must be more than 0"):
        FrameSampler(rate)


@given(
    steps=st.lists(st.fractions(min_value=0, max_value=3, max_denominator=90_000), min_size=1, max_size=60),
    rate=st.fractions(min_value="1/10", max_value=30, max_denominator=1000),
)
def test_sampler_takes_exactly_one_frame_of_each_occupied_cell(steps: list[Fraction], rate: Fraction) -> None:
    """Whatever the time stamps: of all frames between two grid points, the first one is taken."""
    times = [sum(steps[: n + 1], Fraction(0)) for n in range(len(steps))]
    first_of_cell = {int(time * rate): time for time in reversed(times)}
    assert _taken(times, rate) == sorted(first_of_cell.values())

"""Which frames are analysed."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winnow.pipeline.decoder.sampling import LEARN_S, FrameSampler, StaggeredSampler, share_of

PERIOD_S = 0.2


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


@given(
    rate=st.fractions(min_value=1, max_value=10, max_denominator=10),
    shifts=st.lists(st.fractions(min_value=0, max_value="99/100", max_denominator=100), min_size=1, max_size=5),
)
@example(rate=Fraction(3, 2), shifts=[Fraction(1, 2), Fraction(33, 98)])
def test_shifted_sampler_leaves_half_a_period_to_one_and_a_half_and_a_frame(
    rate: Fraction, shifts: list[Fraction]
) -> None:
    """However often the grid is shifted, frames are neither doubled nor left out for long."""
    sampler, taken, frame_s = FrameSampler(rate), list[Fraction](), Fraction(1, 100)
    for n in range(300):
        if n % 60 == 30 and shifts:
            sampler.shift(shifts.pop())
        if sampler.takes(n * frame_s):
            taken.append(n * frame_s)
    gaps = [after - before for before, after in pairwise(taken)]
    assert all(1 / rate / 2 <= gap <= 3 / rate / 2 + frame_s for gap in gaps)


def _arrivals_taken(share: float, *, begun_s: float, seconds: float, slow: float = 0.0) -> list[float]:
    """Return when the taken frames of a camera of 100 frames a second arrive; the first ones come late.

    `begun_s` is when its stream began, `slow` by how much its clock is slower than this machine's.
    """
    sampler, arrived = StaggeredSampler(1 / PERIOD_S, share), []
    for n in range(int(seconds * 100)):
        late_s = max(0.0, 0.3 - n / 200) + (n % 7) / 1000
        at_s = begun_s + n / 100 * (1 + slow) + late_s
        if sampler.takes(Fraction(n, 100), at_s):
            arrived.append(at_s)
    return arrived


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("begun_s", [1000.0, 1000.07, 1000.19])
def test_staggered_frames_arrive_at_their_share_of_the_period(share: float, begun_s: float) -> None:
    """Once its arrival is known, whenever a camera started: within a frame and the jitter of its arrival."""
    settled = [at_s for at_s in _arrivals_taken(share, begun_s=begun_s, seconds=10) if at_s > begun_s + 2 * LEARN_S]
    assert len(settled) >= (10 - 2 * LEARN_S) / PERIOD_S - 1
    assert all((at_s / PERIOD_S - share + 0.01) % 1 * PERIOD_S <= 0.01 + 0.006 + 0.003 for at_s in settled)


def test_staggered_frames_stay_at_their_share_while_the_clocks_drift() -> None:
    """A camera whose clock is a fifth of a period off every minute is shifted again and again."""
    arrived = _arrivals_taken(0.5, begun_s=50.0, seconds=180, slow=0.04 / 60)
    late = [(at_s / PERIOD_S - 0.5 + 0.5) % 1 - 0.5 for at_s in arrived if at_s > 50 + 2 * LEARN_S]
    assert max(map(abs, late)) < 0.4  # left alone it would be 0.6
    assert len(late) > 150 / PERIOD_S


@pytest.mark.parametrize("cameras", [2, 3, 5, 8, 13, 50])
def test_shares_of_a_box_s_cameras_are_well_apart(cameras: int) -> None:
    """However many there are, no two are closer than a third of what an even division would leave them."""
    shares = sorted(share_of(number) for number in range(cameras))
    gaps = [after - before for before, after in zip(shares, [*shares[1:], 1 + shares[0]], strict=True)]
    assert min(gaps) >= 1 / cameras / 3

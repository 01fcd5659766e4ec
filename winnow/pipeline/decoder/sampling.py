"""Which frames are analysed: a fixed number a second of stream time, whatever the camera's own rate.

The frames of a box's cameras are to arrive one after the other. Cameras that start together would else be analysed at
the same moments of each period, and all but the first would wait. So each live camera has a *share* of the period, and
its grid is shifted until the frames on it arrive there. A recording's grid begins with its first frame.
"""

from fractions import Fraction
from math import ceil, floor
from typing import Final

LEARN_S: Final = 2.0
"""How long frames are watched until the grid is shifted for the first time: those at the start come late."""

CHECK_EVERY_S: Final = 30.0
"""A camera's clock drifts against this machine's: at 50 parts in a million, by a period in an hour."""

OFF_BY: Final = 0.1
"""Share of the period by which the frames must arrive elsewhere before the grid is shifted again."""

GOLDEN_RATIO: Final = (5**0.5 - 1) / 2


class FrameSampler:
    """Takes the first frame at or after each point of a grid with `rate` points a second.

    Stream time alone decides, so the same recording gives the same frames at any speed. A source slower than the grid
    is taken whole; a pause is not made up for afterwards.

    Raises:
        ValueError: `rate` is not positive.
    """

    def __init__(self, rate: Fraction | int | float = 5) -> None:  # noqa: PYI041 - a rate from a settings file is a float
        self._rate = Fraction(rate).limit_denominator(1_000_000)
        if self._rate <= 0:
            raise ValueError(f"rate {rate}: must be more than 0 frames a second")
        self._phase = Fraction(0)
        self._taken = Fraction(0)
        self._next_point: int | None = None
        self._is_shifted = False

    def takes(self, stream_s: Fraction) -> bool:
        """Return whether the frame at `stream_s` is analysed; ask once for each frame, in order."""
        at = stream_s * self._rate
        if self._next_point is not None and at - self._phase < self._next_point:
            return False
        self._taken, place = at, at - self._phase
        # A shift may come late, and this frame lie far behind a point of the new grid: the next one is not too near.
        self._next_point = ceil(place + Fraction(1, 2)) if self._is_shifted else floor(place) + 1
        self._is_shifted = False
        return True

    def shift(self, phase: Fraction) -> None:
        """Have the grid's points this share of a period behind those of stream time 0; half a period stays between two.

        The next frame is taken half a period to one and a half after the last one.
        """
        self._phase = phase
        if self._next_point is not None:
            self._next_point, self._is_shifted = ceil(self._taken - phase + Fraction(1, 2)), True


class StaggeredSampler:
    """Takes a live camera's frames so that they arrive at the camera's share of the period.

    Args:
        rate: frames a second of stream time.
        share: 0 to 1.
    """

    def __init__(self, rate: float, share: float) -> None:
        self._sampler = FrameSampler(rate)
        self._rate = rate
        self._share = share
        self._phase: float | None = None
        self._since_s: float | None = None
        self._least_s = 0.0

    def takes(self, stream_s: Fraction, read_at_mono_s: float) -> bool:
        """Return whether the frame that was read at this monotonic time is analysed; see `FrameSampler.takes`."""
        self._note(read_at_mono_s - float(stream_s), read_at_mono_s)
        return self._sampler.takes(stream_s)

    def _note(self, begun_s: float, now_s: float) -> None:
        """Learn when the stream began by this frame's arrival: the frame that came quickest tells it best."""
        if self._since_s is None:
            self._since_s, self._least_s = now_s, begun_s
        self._least_s = min(self._least_s, begun_s)
        if now_s - self._since_s < (LEARN_S if self._phase is None else CHECK_EVERY_S):
            return
        phase = (self._share - self._least_s * self._rate) % 1.0
        self._since_s = None
        if self._phase is None or OFF_BY < abs(phase - self._phase) < 1 - OFF_BY:
            self._phase = phase
            self._sampler.shift(Fraction(phase).limit_denominator(1000))


def share_of(number: int) -> float:
    """Return the share of the period that a box's camera of this number gets, from 0: however many, well apart.

    Source: the golden ratio's multiples, modulo 1, leave gaps of at most three lengths (Sós, 1958).
    """
    return number * GOLDEN_RATIO % 1.0

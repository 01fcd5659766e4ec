"""Which frames are analysed: a fixed number a second of stream time, whatever the camera's own rate."""

from fractions import Fraction
from math import floor


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
        self._next_point: int | None = None

    def takes(self, stream_s: Fraction) -> bool:
        """Return whether the frame at `stream_s` is analysed; ask once for each frame, in order."""
        point = floor(stream_s * self._rate)
        if self._next_point is not None and stream_s * self._rate < self._next_point:
            return False
        self._next_point = point + 1
        return True

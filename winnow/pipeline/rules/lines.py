"""Who crosses a line, and which way."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal

from winnow.pipeline.rules.geometry import PixelPoint, distance_right_of, meeting_place
from winnow.pipeline.rules.hysteresis import Holding, Side, side_of

Direction = Literal["in", "out"]

COOL_DOWN_S: Final = 2
"""An object is counted at most once in this time for each direction."""


@dataclass(slots=True, kw_only=True)
class _Crosser:
    """What a line remembers of one object.

    Attributes:
        holding: the side it holds; positive is right of the line.
        last: where it was last seen.
        met_at: where its way last met the infinite line, 0..1 between the ends.
        counted_s: when it was last counted, by direction.
    """

    holding: Holding = field(default_factory=Holding)
    last: PixelPoint | None = None
    met_at: float | None = None
    counted_s: dict[Direction, Fraction] = field(default_factory=dict)


class Line:
    """One line of one camera; `in` is from its left side to its right, seen from the first point to the second.

    Args:
        first: one end, pixels.
        second: the other end, pixels, elsewhere.
        band: pixels beside the line that are on neither side.
    """

    def __init__(self, first: PixelPoint, second: PixelPoint, *, band: float) -> None:
        self._first = first
        self._second = second
        self._band = band
        self._crossers: dict[int, _Crosser] = {}

    def see(self, track: int, point: PixelPoint, at_s: Fraction) -> Direction | None:
        """Return the direction in which the object has now crossed the line, None if it has not.

        It has when it changed sides, see `hysteresis`, on a way that last met the line between its ends.
        """
        crosser = self._crossers.setdefault(track, _Crosser())
        distance = distance_right_of(self._first, self._second, point)
        if crosser.last is not None:
            was_right = distance_right_of(self._first, self._second, crosser.last) > 0
            if was_right != (distance > 0):
                crosser.met_at = meeting_place(self._first, self._second, crosser.last, point)
        crosser.last = point
        before, crosser.holding = crosser.holding, crosser.holding.seen(side_of(distance, self._band), at_s)
        if before.held in (Side.BAND, crosser.holding.held):
            return None
        if crosser.met_at is None or not 0 <= crosser.met_at <= 1:
            return None
        return _counted(crosser, "in" if crosser.holding.held is Side.POSITIVE else "out", at_s)

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._crossers.pop(track, None)


def _counted(crosser: _Crosser, direction: Direction, at_s: Fraction) -> Direction | None:
    last_s = crosser.counted_s.get(direction)
    if last_s is not None and at_s - last_s < COOL_DOWN_S:
        return None
    crosser.counted_s[direction] = at_s
    return direction

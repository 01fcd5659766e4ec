"""Who crosses a line, and which way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from winnow.pipeline.rules.geometry import PixelPoint, distance_right_of, meeting, moment_between
from winnow.pipeline.rules.hysteresis import Holding, Side, side_of
from winnow.pipeline.rules.memories import swap_values
from winnow.pipeline.rules.outcomes import Direction

Admits = Callable[[Fraction], bool]
"""Tells whether an object counts at a stream time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """An object crossed the line at `at_s`."""

    direction: Direction
    at_s: Fraction


@dataclass(slots=True, kw_only=True)
class _Crosser:
    """What a line remembers of one object.

    Attributes:
        holding: the side it holds; positive is right of the line.
        last: where it was last seen, and when.
        met_at: where its way last met the infinite line, 0..1 between the ends.
        met_s: when it did.
        counted_s: when it last crossed and was counted, by direction.
    """

    holding: Holding = field(default_factory=Holding)
    last: tuple[PixelPoint, Fraction] | None = None
    met_at: float | None = None
    met_s: Fraction = Fraction(0)
    counted_s: dict[Direction, Fraction] = field(default_factory=dict)


class Line:
    """One line of one camera; `in` is from its left side to its right, seen from the first point to the second.

    Args:
        first: one end, pixels.
        second: the other end, pixels, elsewhere.
        band: pixels beside the line that are on neither side.
        cool_down_s: an object is counted at most once in this time for each direction.
    """

    def __init__(self, first: PixelPoint, second: PixelPoint, *, band: float, cool_down_s: Fraction) -> None:
        self._first = first
        self._second = second
        self._band = band
        self._cool_down_s = cool_down_s
        self._crossers: dict[int, _Crosser] = {}

    def see(self, track: int, point: PixelPoint, at_s: Fraction, admits: Admits) -> Crossing | None:
        """Return how the object has now crossed the line, None if it has not.

        It has when it changed sides, see `hysteresis`, on a way that last met the line between its ends, and counted at
        that moment.
        """
        crosser = self._crossers.setdefault(track, _Crosser())
        distance = distance_right_of(self._first, self._second, point)
        self._note_meeting(crosser, point, distance, at_s)
        before, crosser.holding = crosser.holding, crosser.holding.seen(side_of(distance, self._band), at_s)
        if before.held in (Side.BAND, crosser.holding.held):
            return None
        if crosser.met_at is None or not 0 <= crosser.met_at <= 1 or not admits(crosser.met_s):
            return None
        return self._counted(crosser, "in" if crosser.holding.held is Side.POSITIVE else "out")

    def swap(self, track: int, other: int) -> None:
        """Take what is known of one object for what is known of the other."""
        swap_values(self._crossers, track, other)

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._crossers.pop(track, None)

    def _note_meeting(self, crosser: _Crosser, point: PixelPoint, distance: float, at_s: Fraction) -> None:
        if crosser.last is not None:
            last_point, last_s = crosser.last
            if (distance_right_of(self._first, self._second, last_point) > 0) != (distance > 0):
                met = meeting(self._first, self._second, last_point, point)
                crosser.met_at, crosser.met_s = met.along, moment_between(last_s, at_s, met.share)
        crosser.last = point, at_s

    def _counted(self, crosser: _Crosser, direction: Direction) -> Crossing | None:
        last_s = crosser.counted_s.get(direction)
        if last_s is not None and crosser.met_s - last_s < self._cool_down_s:
            return None
        crosser.counted_s[direction] = crosser.met_s
        return Crossing(direction=direction, at_s=crosser.met_s)

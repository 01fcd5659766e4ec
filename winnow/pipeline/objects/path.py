"""The way an object went, in a few points.

The points that matter least go first: those that span the smallest triangle with their neighbours.
Source: Visvalingam and Whyatt, Line generalisation by repeated elimination of points, The Cartographic Journal, 1993.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

MAX_POINTS: Final = 32
"""The contract's limit for a path."""

_ROOM: Final = 2 * MAX_POINTS
"""A path is shortened when it has this many points, so that an hour costs no more memory than a minute."""

LEAST_AREA: Final = 2e-5
"""A point whose triangle is smaller, as a share of the frame, says nothing: about 4 x 4 pixels of a 768 x 576 frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """Where the bottom centre of an object was; x and y in 0..1 of the frame."""

    at_s: Fraction
    x: float
    y: float


class Path:
    """At most `_ROOM` points of a way, first and last included."""

    def __init__(self) -> None:
        self._points: list[PathPoint] = []

    def add(self, point: PathPoint) -> None:
        """Append the newest point."""
        self._points.append(point)
        if len(self._points) >= _ROOM:
            self._points = simplified(self._points, least_area=0.0)

    def summary(self) -> list[PathPoint]:
        """Return at most `MAX_POINTS` points, oldest first, without those that lie on the way anyhow."""
        return simplified(self._points, least_area=LEAST_AREA)


def simplified(points: list[PathPoint], *, least_area: float) -> list[PathPoint]:
    """Return the points that matter most, in order: at most `MAX_POINTS`, each worth at least `least_area`."""
    kept = list(points)
    while len(kept) > 2:  # noqa: PLR2004 - the two ends stay
        areas = [_triangle(*kept[i - 1 : i + 2]) for i in range(1, len(kept) - 1)]
        smallest = min(areas)
        if len(kept) <= MAX_POINTS and smallest >= least_area:
            break
        del kept[areas.index(smallest) + 1]
    return kept


def _triangle(a: PathPoint, b: PathPoint, c: PathPoint) -> float:
    return abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / 2

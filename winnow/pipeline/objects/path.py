"""The way an object went, in a few points.

What lies on the way anyhow is left out: every point that is away from the line between those kept by less than a box's
foot trembles. Of more than `MAX_POINTS` those that matter least go first, which span the smallest triangle with their
neighbours.

Sources: Douglas and Peucker, Algorithms for the reduction of the number of points, Cartographica, 1973; Visvalingam and
Whyatt, Line generalisation by repeated elimination of points, The Cartographic Journal, 1993.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

MAX_POINTS: Final = 32
"""The contract's limit for a path."""

_ROOM: Final = 2 * MAX_POINTS
"""A path is shortened when it has this many points, so that an hour costs no more memory than a minute."""

LEAST_AWAY: Final = 0.0075
"""A point nearer to the line, as a share of the frame's width and height, says nothing: about 5 pixels of a 768 x 576
frame, by which a detector's boxes of people 50 to 100 pixels high differ from frame to frame."""


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
            self._points = _shortened(self._points)

    def summary(self) -> list[PathPoint]:
        """Return at most `MAX_POINTS` points, oldest first, without those that lie on the way anyhow."""
        return _shortened(_straightened(self._points))


def _straightened(points: list[PathPoint]) -> list[PathPoint]:
    """Return the points without those that are `LEAST_AWAY` or nearer to the lines between the others, in order."""
    if len(points) <= 2:  # noqa: PLR2004 - the two ends stay
        return points
    away = [_distance(point, points[0], points[-1]) for point in points[1:-1]]
    farthest = max(away)
    if farthest <= LEAST_AWAY:
        return [points[0], points[-1]]
    bend = away.index(farthest) + 1
    return [*_straightened(points[: bend + 1])[:-1], *_straightened(points[bend:])]


def _shortened(points: list[PathPoint]) -> list[PathPoint]:
    """Return the `MAX_POINTS` points that matter most, in order."""
    kept = list(points)
    while len(kept) > MAX_POINTS:
        areas = [_triangle(*kept[i - 1 : i + 2]) for i in range(1, len(kept) - 1)]
        del kept[areas.index(min(areas)) + 1]
    return kept


def _distance(point: PathPoint, a: PathPoint, b: PathPoint) -> float:
    """Return how far a point is from the nearest one between a and b."""
    x, y = b.x - a.x, b.y - a.y
    length = x * x + y * y
    share = 0.0 if length == 0.0 else min(max(((point.x - a.x) * x + (point.y - a.y) * y) / length, 0.0), 1.0)
    return math.hypot(point.x - a.x - share * x, point.y - a.y - share * y)


def _triangle(a: PathPoint, b: PathPoint, c: PathPoint) -> float:
    return abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / 2

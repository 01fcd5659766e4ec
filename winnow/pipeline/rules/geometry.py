"""Points, segments and polygons in pixels; y points down, as in a picture."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

PixelPoint = tuple[float, float]

BAND_SHARE: Final = 0.01
"""Of the frame's diagonal: how far beyond a border a point must be to be on its other side."""


_ON_FRAME_PX: Final = 0.01
"""What is nearer to the frame's edge lies on it."""


def band_px(frame_size: tuple[int, int]) -> float:
    """Return the width in pixels, on each side of a border, in which a point is on neither side."""
    return BAND_SHARE * math.hypot(*frame_size)


def in_pixels(points: Sequence[tuple[float, float]], frame_size: tuple[int, int]) -> tuple[PixelPoint, ...]:
    """Return points given in 0..1 of the frame as pixels."""
    width, height = frame_size
    return tuple((x * width, y * height) for x, y in points)


def distance_right_of(first: PixelPoint, second: PixelPoint, point: PixelPoint) -> float:
    """Return how far `point` lies right of the infinite line from `first` to `second`; negative on its left."""
    along_x, along_y = second[0] - first[0], second[1] - first[1]
    cross = along_x * (point[1] - first[1]) - along_y * (point[0] - first[0])
    return cross / math.hypot(along_x, along_y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Where a way meets a line.

    Attributes:
        along: place on the line: 0 at its first point, 1 at its second.
        share: how much of the way was done by then, 0..1.
    """

    along: float
    share: float


def meeting(first: PixelPoint, second: PixelPoint, start: PixelPoint, end: PixelPoint) -> Meeting:
    """Return where the way from `start` to `end` meets the infinite line through `first` and `second`.

    The two must lie on different sides of the line, or one of them on it.
    """
    start_distance = distance_right_of(first, second, start)
    end_distance = distance_right_of(first, second, end)
    share = start_distance / (start_distance - end_distance)
    x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
    along_x, along_y = second[0] - first[0], second[1] - first[1]
    along = ((x - first[0]) * along_x + (y - first[1]) * along_y) / (along_x**2 + along_y**2)
    return Meeting(along=along, share=share)


def moment_between(start_s: Fraction, end_s: Fraction, share: float) -> Fraction:
    """Return the time at which a share of the way was done, to the millisecond.

    So the last bits of a processor's arithmetic never show.
    """
    at_s = Fraction(round(1000 * (float(start_s) + float(end_s - start_s) * share)), 1000)
    return min(max(at_s, start_s), end_s)


class FramedPolygon:
    """A polygon in a frame, whose edges are borders except where they lie on the frame's own edge.

    Args:
        polygon: corners in order, pixels.
        frame_size: width and height in pixels.
    """

    def __init__(self, polygon: Sequence[PixelPoint], frame_size: tuple[int, int]) -> None:
        self._edges = tuple(zip(polygon, (*polygon[1:], polygon[0]), strict=True))
        self._borders = tuple(edge for edge in self._edges if not _is_on_frame(*edge, frame_size))
        self._frame_size = frame_size

    def depth_inside(self, point: PixelPoint) -> float:
        """Return the distance from `point` to the nearest border; negative outside, infinite where there is none.

        A point is inside if a ray from it meets an odd number of edges. Source: Shimrat, Algorithm 112, CACM 1962.
        """
        x, y = (
            min(max(value, _ON_FRAME_PX), size - _ON_FRAME_PX)
            for value, size in zip(point, self._frame_size, strict=True)
        )
        is_inside = False
        for start, end in self._edges:
            is_between = (start[1] > y) != (end[1] > y)
            if is_between and x < start[0] + (y - start[1]) * (end[0] - start[0]) / (end[1] - start[1]):
                is_inside = not is_inside
        nearest = min((_distance_to_segment(start, end, (x, y)) for start, end in self._borders), default=math.inf)
        return nearest if is_inside else -nearest


def _is_on_frame(start: PixelPoint, end: PixelPoint, frame_size: tuple[int, int]) -> bool:
    return any(
        abs(start[axis] - edge) < _ON_FRAME_PX and abs(end[axis] - edge) < _ON_FRAME_PX
        for axis, size in enumerate(frame_size)
        for edge in (0, size)
    )


def room_inside(polygon: Sequence[PixelPoint]) -> float:
    """Return a depth that some point of the polygon surely has: half of area by perimeter.

    No polygon is narrower everywhere: the largest circle in it has at least the radius area / perimeter.
    """
    edges = list(zip(polygon, (*polygon[1:], polygon[0]), strict=True))
    area = abs(math.fsum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in edges)) / 2
    return area / math.fsum(math.dist(start, end) for start, end in edges) / 2


def _distance_to_segment(start: PixelPoint, end: PixelPoint, point: PixelPoint) -> float:
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length_squared = along_x**2 + along_y**2
    if length_squared == 0:
        return math.dist(start, point)
    share = ((point[0] - start[0]) * along_x + (point[1] - start[1]) * along_y) / length_squared
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (start[0] + share * along_x, start[1] + share * along_y))

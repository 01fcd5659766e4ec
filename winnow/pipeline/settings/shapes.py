"""Names and shapes that settings consist of."""

from typing import Annotated

from pydantic import AfterValidator, Field

from winnow.events.errors import ContractError
from winnow.events.names import check_name


def _check_name(name: str) -> str:
    try:
        return check_name(name)
    except ContractError as exc:
        raise ValueError(str(exc)) from exc


Name = Annotated[str, AfterValidator(_check_name)]
Coordinate = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Coordinate, Coordinate]
"""x and y in 0..1 of the full frame, from its top left corner."""


def _check_polygon(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if len(points) < 3:  # noqa: PLR2004 - a triangle is the smallest polygon
        raise ValueError("a polygon needs at least 3 points")
    if _crosses_itself(points):
        raise ValueError("the polygon crosses itself: list its corners in order around it")
    if _area(points) < 1e-6:  # noqa: PLR2004 - less than a pixel of a 1080p frame
        raise ValueError("the polygon has no area: are its points on one line?")
    return points


def _area(points: tuple[Point, ...]) -> float:
    pairs = zip(points, (*points[1:], points[0]), strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)) / 2


def _crosses_itself(points: tuple[Point, ...]) -> bool:
    edges = list(zip(points, (*points[1:], points[0]), strict=True))
    return any(
        _cross(*edges[i], *edges[j])
        for i in range(len(edges))
        for j in range(i + 2, len(edges))
        if (j + 1) % len(edges) != i
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, point: Point) -> float:
    return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0])


Polygon = Annotated[tuple[Point, ...], Field(max_length=64), AfterValidator(_check_polygon)]

"""What is watched for in the picture: zones and lines."""

from pydantic import model_validator

from winnow.pipeline.settings.shapes import Point, Polygon
from winnow.runtime.settings import Settings


class ZoneSettings(Settings):
    """An area of the picture.

    Attributes:
        points: corners in order.
        labels: which objects count; all if empty.
    """

    points: Polygon
    labels: tuple[str, ...] = ()


class LineSettings(Settings):
    """A line across the picture; `in` is from its left side to its right, seen from the first point to the second.

    Attributes:
        points: the two ends.
        labels: which objects count; all if empty.
    """

    points: tuple[Point, Point]
    labels: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_length(self) -> "LineSettings":
        if self.points[0] == self.points[1]:
            raise ValueError("points: the two ends of the line are the same")
        return self

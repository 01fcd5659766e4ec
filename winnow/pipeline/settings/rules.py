"""What is watched for in the picture: zones, lines, and zones one after the other."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from winnow.pipeline.settings.schedule import ScheduleSettings
from winnow.pipeline.settings.shapes import Name, Point, Polygon
from winnow.runtime.settings import Settings

Anchor = Literal["bottom", "centre", "top"]
Share = Annotated[float, Field(ge=0, le=1)]


class FilterSettings(Settings):
    """Which objects count, by their looks: each bound is asked of the median of an object's last five sightings.

    Attributes:
        min_score: least detection score.
        min_area: least size of the box, as a share of the frame.
        max_area: greatest size of the box, as a share of the frame.
        min_aspect: least width of the box divided by its height: below 1 it is upright.
        max_aspect: greatest width of the box divided by its height.
    """

    min_score: Share = 0.0
    min_area: Share = 0.0
    max_area: Share = 1.0
    min_aspect: Annotated[float, Field(ge=0, le=100)] = 0.0
    max_aspect: Annotated[float, Field(ge=0, le=100)] = 100.0

    @model_validator(mode="after")
    def _lets_something_pass(self) -> "FilterSettings":
        if self.min_area > self.max_area:
            raise ValueError("min_area is above max_area: nothing would pass")
        if self.min_aspect > self.max_aspect:
            raise ValueError("min_aspect is above max_aspect: nothing would pass")
        return self


class RuleSettings(Settings):
    """What every rule may say about whom it concerns and when.

    Attributes:
        labels: which objects count; all if empty.
        filter: which of them, by score, size and shape.
        schedule: when the rule is watched; always if left out.
    """

    labels: tuple[str, ...] = ()
    filter: FilterSettings = FilterSettings()
    schedule: ScheduleSettings | None = None


class OccupancySettings(Settings):
    """When the number of objects in a zone is worth an event.

    Attributes:
        threshold: `above` is said when as many are inside, `below` when there are fewer again.
        cool_down_s: at most one event in this time; what changed back in it is not said.
    """

    threshold: Annotated[int, Field(ge=1, le=10_000)]
    cool_down_s: Annotated[float, Field(ge=0, le=86_400)] = 10.0


class ZoneSettings(RuleSettings):
    """An area of the picture.

    Attributes:
        points: corners in order.
        anchor: the point of an object's box that is inside or not, in the middle of its width.
        dwell_s: `zone.dwelled` is said once a visit that lasts so long; never if left out.
        occupancy: says `zone.occupancy`; never if left out.
    """

    points: Polygon
    anchor: Anchor = "bottom"
    dwell_s: Annotated[float, Field(gt=0, le=30 * 86_400)] | None = None
    occupancy: OccupancySettings | None = None


class LineSettings(RuleSettings):
    """A line across the picture; `in` is from its left side to its right, seen from the first point to the second.

    Attributes:
        points: the two ends.
        anchor: the point of an object's box that crosses, in the middle of its width.
        direction: which crossings are said.
        cool_down_s: an object is counted at most once in this time for each direction.
    """

    points: tuple[Point, Point]
    anchor: Anchor = "bottom"
    direction: Literal["both", "in", "out"] = "both"
    cool_down_s: Annotated[float, Field(ge=0, le=3600)] = 2.0

    @model_validator(mode="after")
    def _has_length(self) -> "LineSettings":
        if self.points[0] == self.points[1]:
            raise ValueError("points: the two ends of the line are the same")
        return self


class SequenceSettings(RuleSettings):
    """Zones that an object goes through one after the other; other zones in between do not matter.

    Attributes:
        zones: 2 to 8 names of zones of the same camera, in order.
        within_s: the longest time from leaving the first to coming into the last.
    """

    zones: Annotated[tuple[Name, ...], Field(min_length=2, max_length=8)]
    within_s: Annotated[float, Field(gt=0, le=86_400)] = 60.0

    @model_validator(mode="after")
    def _goes_on(self) -> "SequenceSettings":
        if any(first == second for first, second in zip(self.zones, self.zones[1:], strict=False)):
            raise ValueError("zones: the same zone twice in a row")
        return self

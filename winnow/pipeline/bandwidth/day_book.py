"""Sums by day and camera. Pure: the day is handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

NODE: Final = ""
"""Stands for the node itself, whose own events belong to no camera; no camera can be called so."""

DAYS_KEPT: Final = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotals:
    """Bytes of one camera on one day.

    Attributes:
        read: compressed video.
        events: sent as events.
        thumbnails: sent as thumbnails.
        resent: sent again.
    """

    read: int = 0
    events: int = 0
    thumbnails: int = 0
    resent: int = 0

    @property
    def sent(self) -> int:
        """Everything that went out."""
        return self.events + self.thumbnails + self.resent

    def __add__(self, other: "DayTotals") -> "DayTotals":
        return DayTotals(
            read=self.read + other.read,
            events=self.events + other.events,
            thumbnails=self.thumbnails + other.thumbnails,
            resent=self.resent + other.resent,
        )


@dataclass(slots=True)
class DayBook:
    """The last days, by camera.

    Attributes:
        days: for each day the sums of each camera; at most `DAYS_KEPT` days.
    """

    days: dict[date, dict[str, DayTotals]] = field(default_factory=dict)

    def add(self, day: date, growth: Mapping[str, DayTotals]) -> None:
        """Add to a day. A clock that was set back goes on with the sums of the day that it shows now."""
        totals = self.days.setdefault(day, {})
        for camera, more in growth.items():
            totals[camera] = totals.get(camera, DayTotals()) + more
        for old in sorted(self.days)[:-DAYS_KEPT]:
            if old != day:
                del self.days[old]

    def of(self, day: date, camera: str) -> DayTotals:
        """Return the sums of a camera on a day."""
        return self.days.get(day, {}).get(camera, DayTotals())

    def sent(self, day: date) -> int:
        """Return what all cameras and the node sent on a day."""
        return sum(totals.sent for totals in self.days.get(day, {}).values())

"""All lines and zones of one camera."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

from winnow.pipeline.rules.geometry import PixelPoint, band_px, in_pixels
from winnow.pipeline.rules.lines import Direction, Line
from winnow.pipeline.rules.zones import Zone, ZoneChange
from winnow.pipeline.settings import LineSettings, ZoneSettings

Border = TypeVar("Border", Line, Zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where an object was seen.

    Attributes:
        at_s: stream time.
        anchor: bottom centre of its box, pixels.
    """

    at_s: Fraction
    anchor: PixelPoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """The object crossed a line."""

    line: str
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The object came into a zone."""

    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The object left a zone after `dwell_s` in it."""

    zone: str
    dwell_s: Fraction


RuleOutcome = Crossed | Entered | Exited


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule(Generic[Border]):
    name: str
    labels: tuple[str, ...]
    border: Border

    def concerns(self, label: str) -> bool:
        return not self.labels or label in self.labels


class Rules:
    """Lines and zones by name, in the order of the settings; lines come first.

    Only objects that have started may be shown to them, so nothing unconfirmed is ever counted.
    """

    def __init__(
        self,
        *,
        lines: Mapping[str, LineSettings],
        zones: Mapping[str, ZoneSettings],
        frame_size: tuple[int, int],
    ) -> None:
        band = band_px(frame_size)
        self._lines: list[_Rule[Line]] = []
        for name, line in lines.items():
            first, second = in_pixels(line.points, frame_size)
            self._lines.append(_Rule(name=name, labels=line.labels, border=Line(first, second, band=band)))
        self._zones: list[_Rule[Zone]] = [
            _Rule(name=name, labels=zone.labels, border=Zone(in_pixels(zone.points, frame_size), band=band))
            for name, zone in zones.items()
        ]

    def see(self, track: int, label: str, sighting: Sighting) -> list[RuleOutcome]:
        """Return what a sighting of an object brought about."""
        point, at_s = sighting.anchor, sighting.at_s
        crossed = [(line.name, line.border.see(track, point, at_s)) for line in self._lines if line.concerns(label)]
        changed = [(zone.name, zone.border.see(track, point, at_s)) for zone in self._zones if zone.concerns(label)]
        return [
            *(Crossed(line=name, direction=direction) for name, direction in crossed if direction is not None),
            *(_zone_outcome(name, change) for name, change in changed if change is not None),
        ]

    def zones_of(self, track: int) -> tuple[str, ...]:
        """Return the zones in which the object is."""
        return tuple(zone.name for zone in self._zones if zone.border.is_inside(track))

    def end(self, track: int) -> list[RuleOutcome]:
        """Return the exits of an object that ended; keep nothing of it."""
        for line in self._lines:
            line.border.forget(track)
        changes = ((zone.name, zone.border.forget(track)) for zone in self._zones)
        return [_zone_outcome(name, change) for name, change in changes if change is not None]


def _zone_outcome(name: str, change: ZoneChange) -> RuleOutcome:
    return Entered(zone=name) if change.kind == "entered" else Exited(zone=name, dwell_s=change.dwell_s)

"""All lines and zones of one camera."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
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
        self._frame_size = frame_size
        self._settings: Mapping[str, LineSettings | ZoneSettings] = {**_keyed("line", lines), **_keyed("zone", zones)}
        band = band_px(frame_size)
        self._lines: list[_Rule[Line]] = []
        for name, line in lines.items():
            first, second = in_pixels(line.points, frame_size)
            self._lines.append(_Rule(name=name, labels=line.labels, border=Line(first, second, band=band)))
        self._zones: list[_Rule[Zone]] = [
            _Rule(name=name, labels=zone.labels, border=Zone(in_pixels(zone.points, frame_size), band=band))
            for name, zone in zones.items()
        ]

    def changed(
        self, *, lines: Mapping[str, LineSettings], zones: Mapping[str, ZoneSettings], tracks: Sequence[int]
    ) -> tuple["Rules", list[tuple[int, RuleOutcome]]]:
        """Return the rules of other settings, and by track the exits from zones that are no more.

        A line or zone that is the same under both keeps what it knows; these rules must not be asked again.
        """
        successor = Rules(lines=lines, zones=zones, frame_size=self._frame_size)
        same = {key for key, settings in self._settings.items() if successor._settings.get(key) == settings}
        successor._lines = [_taken_over("line", rule, self._lines, same) for rule in successor._lines]
        successor._zones = [_taken_over("zone", rule, self._zones, same) for rule in successor._zones]
        gone = [zone for zone in self._zones if f"zone {zone.name}" not in same]
        changes = [(track, zone.name, zone.border.forget(track)) for track in tracks for zone in gone]
        return successor, [(track, _zone_outcome(name, left)) for track, name, left in changes if left is not None]

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


def _keyed(
    kind: str, rules: Mapping[str, LineSettings] | Mapping[str, ZoneSettings]
) -> dict[str, LineSettings | ZoneSettings]:
    return {f"{kind} {name}": settings for name, settings in rules.items()}


def _taken_over(
    kind: str, rule: "_Rule[Border]", former: Sequence["_Rule[Border]"], same: AbstractSet[str]
) -> "_Rule[Border]":
    if f"{kind} {rule.name}" not in same:
        return rule
    return next(one for one in former if one.name == rule.name)


def _zone_outcome(name: str, change: ZoneChange) -> RuleOutcome:
    return Entered(zone=name) if change.kind == "entered" else Exited(zone=name, dwell_s=change.dwell_s)

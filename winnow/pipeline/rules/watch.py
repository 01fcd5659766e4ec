"""The rules of one camera as objects: what each remembers, under its name and with whom it concerns when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Generic, TypeVar

from winnow.pipeline.rules.geometry import in_pixels
from winnow.pipeline.rules.lines import Line
from winnow.pipeline.rules.occupancy import Occupancy
from winnow.pipeline.rules.schedule import Schedule
from winnow.pipeline.rules.sequences import ZoneSequence
from winnow.pipeline.rules.zones import Zone
from winnow.pipeline.settings import FilterSettings, LineSettings, RuleSettings, SequenceSettings, ZoneSettings

Memory = TypeVar("Memory")
Given = TypeVar("Given", bound=RuleSettings)

Moment = Callable[[Fraction], datetime]
"""Stream time → aware wall time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watch(Generic[Given, Memory]):
    """One rule.

    Attributes:
        name: as in the settings.
        given: its settings.
        memory: what it knows of the objects.
        moment: tells at what time of the week a picture was taken.
        schedule: when it is watched; None is always.
    """

    name: str
    given: Given
    memory: Memory
    moment: Moment
    schedule: Schedule | None

    def concerns(self, label: str) -> bool:
        """Return whether objects of that label count."""
        return not self.given.labels or label in self.given.labels

    def is_open(self, at_s: Fraction) -> bool:
        """Return whether the rule is watched at a stream time."""
        return self.schedule is None or self.schedule.is_open(self.moment(at_s))

    def admits(self, passes: Callable[[FilterSettings], bool]) -> Callable[[Fraction], bool]:
        """Return whether an object counts at a stream time, whose looks pass filters as `passes` tells."""
        return lambda at_s: self.is_open(at_s) and passes(self.given.filter)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneMemory:
    """Who is in a zone, and whether they are many."""

    zone: Zone
    occupancy: Occupancy | None


LineWatch = Watch[LineSettings, Line]
ZoneWatch = Watch[ZoneSettings, ZoneMemory]
SequenceWatch = Watch[SequenceSettings, ZoneSequence]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchMaker:
    """Makes rules that know nothing yet.

    Attributes:
        frame_size: width and height in pixels.
        band: pixels on each side of a border that are on neither.
        moment: stream time → aware wall time.
    """

    frame_size: tuple[int, int]
    band: float
    moment: Moment

    def line(self, name: str, given: LineSettings) -> LineWatch:
        """Return a line."""
        first, second = in_pixels(given.points, self.frame_size)
        line = Line(first, second, band=self.band, cool_down_s=Fraction(given.cool_down_s))
        return Watch(name=name, given=given, memory=line, moment=self.moment, schedule=_schedule(given))

    def zone(self, name: str, given: ZoneSettings) -> ZoneWatch:
        """Return a zone."""
        zone = Zone(
            in_pixels(given.points, self.frame_size),
            frame_size=self.frame_size,
            band=self.band,
            dwell_s=None if given.dwell_s is None else Fraction(given.dwell_s),
        )
        memory = ZoneMemory(zone=zone, occupancy=None if given.occupancy is None else Occupancy(given.occupancy))
        return Watch(name=name, given=given, memory=memory, moment=self.moment, schedule=_schedule(given))

    def sequence(self, name: str, given: SequenceSettings) -> SequenceWatch:
        """Return a sequence."""
        sequence = ZoneSequence(given.zones, within_s=Fraction(given.within_s))
        return Watch(name=name, given=given, memory=sequence, moment=self.moment, schedule=_schedule(given))


def _schedule(given: RuleSettings) -> Schedule | None:
    return None if given.schedule is None else Schedule(given.schedule)

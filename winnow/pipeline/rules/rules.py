"""All lines, zones and sequences of one camera."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from winnow.pipeline.rules.geometry import band_px
from winnow.pipeline.rules.identities import Identities
from winnow.pipeline.rules.outcomes import Completed, Crossed, Dwelled, Entered, Exited, Occupied, RuleOutcome
from winnow.pipeline.rules.sighting import Looks, Sighting
from winnow.pipeline.rules.watch import Given, LineWatch, Memory, Moment, SequenceWatch, Watch, WatchMaker, ZoneWatch
from winnow.pipeline.rules.zones import ZoneChange
from winnow.pipeline.settings import CameraSettings


class Rules:
    """Lines, zones and sequences by name, in the order of the settings.

    Only objects that have started may be shown to them, so nothing unconfirmed is ever counted. For each frame, in
    order: `end` for each object that ended; `recognise` once; `see` for each sighting of an object, or `stay` for one
    that is held to be where it was; `close` and `count` once.
    """

    def __init__(self, settings: CameraSettings, *, frame_size: tuple[int, int], moment: Moment) -> None:
        """Start without objects.

        Args:
            settings: the camera's.
            frame_size: width and height in pixels of the frames that sightings refer to.
            moment: stream time → aware wall time.
        """
        make = WatchMaker(frame_size=frame_size, band=band_px(frame_size), moment=moment)
        self._make = make
        self._looks = Looks(frame_size)
        self._identities = Identities(make.band)
        self._lines: list[LineWatch] = [make.line(name, line) for name, line in settings.lines.items()]
        self._zones: list[ZoneWatch] = [make.zone(name, zone) for name, zone in settings.zones.items()]
        self._zones_by_name = {zone.name: zone for zone in self._zones}
        self._sequences: list[SequenceWatch] = [make.sequence(name, one) for name, one in settings.sequences.items()]

    def changed(
        self, settings: CameraSettings, at_s: Fraction
    ) -> tuple["Rules", list[tuple[int, RuleOutcome]], list[Occupied]]:
        """Return the rules of other settings, and by track the exits from zones that are no more, and who they held.

        A rule that is the same under both keeps what it knows; these rules must not be asked again.
        """
        successor = Rules(settings, frame_size=self._make.frame_size, moment=self._make.moment)
        successor._looks, successor._identities = self._looks, self._identities
        successor._lines = [_kept(line, self._lines) for line in successor._lines]
        successor._zones = [_kept(zone, self._zones) for zone in successor._zones]
        successor._zones_by_name = {zone.name: zone for zone in successor._zones}
        successor._sequences = [_kept(sequence, self._sequences) for sequence in successor._sequences]
        gone = [zone for zone in self._zones if zone not in successor._zones]
        exits = [
            (track, _zone_outcome(zone.name, change)) for zone in gone for track, change in zone.memory.zone.close()
        ]
        return successor, exits, [told for zone in gone for told in _counted(zone, at_s, is_last=True)]

    def recognise(self, at_s: Fraction, newest: Iterable[tuple[int, Sighting]]) -> None:
        """Take in who is seen in a frame, track and last sighting: whom the tracker has swapped is swapped here."""
        for one, other in self._identities.swapped(at_s, newest):
            self._looks.swap(one, other)
            for line in self._lines:
                line.memory.swap(one, other)
            for zone in self._zones:
                zone.memory.zone.swap(one, other)
            for sequence in self._sequences:
                sequence.memory.swap(one, other)

    def see(self, track: int, label: str, sighting: Sighting) -> list[RuleOutcome]:
        """Return what a sighting of an object brought about, in the order in which it happened."""
        self._identities.note(track, label, sighting)
        self._looks.note(track, sighting)
        outcomes: list[RuleOutcome] = []
        for line in self._lines:
            if line.concerns(label):
                outcomes += self._crossed(line, track, sighting)
        for zone in self._zones:
            if zone.concerns(label):
                admits = zone.admits(lambda wanted: self._looks.passes(track, wanted))
                changes = zone.memory.zone.see(track, sighting.anchor(zone.given.anchor), sighting.at_s, admits)
                outcomes += (_zone_outcome(zone.name, change) for change in changes)
        return self._with_sequences(track, label, outcomes)

    def stay(self, track: int, label: str, at_s: Fraction) -> list[RuleOutcome]:
        """Return what time alone brought about for an object that is held to be where it was last seen."""
        outcomes: list[RuleOutcome] = []
        for zone in self._zones:
            if zone.concerns(label):
                admits = zone.admits(lambda wanted: self._looks.passes(track, wanted))
                changes = zone.memory.zone.stay(track, at_s, admits)
                outcomes += (_zone_outcome(zone.name, change) for change in changes)
        return self._with_sequences(track, label, outcomes)

    def zones_of(self, track: int) -> tuple[str, ...]:
        """Return the zones in which the object is."""
        return tuple(zone.name for zone in self._zones if zone.memory.zone.is_inside(track))

    def end(self, track: int) -> list[RuleOutcome]:
        """Return the exits of an object that ended; keep nothing of it."""
        self._identities.forget(track)
        self._looks.forget(track)
        for line in self._lines:
            line.memory.forget(track)
        for sequence in self._sequences:
            sequence.memory.forget(track)
        return [_zone_outcome(zone.name, change) for zone in self._zones for change in zone.memory.zone.forget(track)]

    def close(self, at_s: Fraction) -> list[tuple[int, RuleOutcome]]:
        """Return, by track, the exits from zones that are no longer watched at this hour."""
        return [
            (track, _zone_outcome(zone.name, change))
            for zone in self._zones
            if zone.schedule is not None and zone.memory.zone.count and not zone.is_open(at_s)
            for track, change in zone.memory.zone.close()
        ]

    def count(self, at_s: Fraction, *, is_last: bool = False) -> list[Occupied]:
        """Return which zones passed the threshold of their occupancy.

        Args:
            at_s: stream time.
            is_last: the stream ends; nothing can be told later.
        """
        return [told for zone in self._zones for told in _counted(zone, at_s, is_last=is_last)]

    def _crossed(self, line: LineWatch, track: int, sighting: Sighting) -> list[Crossed]:
        admits = line.admits(lambda wanted: self._looks.passes(track, wanted))
        crossing = line.memory.see(track, sighting.anchor(line.given.anchor), sighting.at_s, admits)
        if crossing is None or line.given.direction not in ("both", crossing.direction):
            return []
        return [Crossed(at_s=crossing.at_s, line=line.name, direction=crossing.direction)]

    def _with_sequences(self, track: int, label: str, outcomes: Sequence[RuleOutcome]) -> list[RuleOutcome]:
        """Return the outcomes in order of time, each entry followed by the sequences that it completes."""
        in_order: list[RuleOutcome] = []
        for outcome in sorted(outcomes, key=lambda one: one.at_s):
            in_order.append(outcome)
            if isinstance(outcome, Entered):
                in_order += self._completed(track, label, outcome)
        return in_order

    def _completed(self, track: int, label: str, entered: Entered) -> list[Completed]:
        completed: list[Completed] = []
        for sequence in self._sequences:
            if not sequence.concerns(label):
                continue
            steps = sequence.memory
            present_s = self._zones_by_name[steps.zones[0]].memory.zone.last_present_s(track)
            if present_s is not None:
                steps.be_in_first(track, min(present_s, entered.at_s))
            duration_s = steps.enter(track, entered.zone, entered.at_s)
            admits = sequence.admits(lambda wanted: self._looks.passes(track, wanted))
            if duration_s is not None and admits(entered.at_s):
                completed.append(
                    Completed(at_s=entered.at_s, sequence=sequence.name, zones=steps.zones, duration_s=duration_s)
                )
        return completed


def _zone_outcome(name: str, change: ZoneChange) -> RuleOutcome:
    if change.kind == "entered":
        return Entered(at_s=change.at_s, zone=name)
    if change.kind == "dwelled":
        return Dwelled(at_s=change.at_s, zone=name, dwell_s=change.dwell_s)
    return Exited(at_s=change.at_s, zone=name, dwell_s=change.dwell_s)


def _counted(zone: ZoneWatch, at_s: Fraction, *, is_last: bool) -> list[Occupied]:
    occupancy, inside = zone.memory.occupancy, zone.memory.zone
    if occupancy is None:
        return []
    news = occupancy.count(inside.count, inside.changed_s, at_s, is_last=is_last)
    if news is None:
        return []
    state, since_s = news
    return [Occupied(at_s=since_s, zone=zone.name, count=inside.count, threshold=occupancy.threshold, state=state)]


def _kept(rule: Watch[Given, Memory], former: Sequence[Watch[Given, Memory]]) -> Watch[Given, Memory]:
    """Return the former rule of the same name and settings, else the new one."""
    return next((one for one in former if one.name == rule.name and one.given == rule.given), rule)

"""All rules of a camera together: whom they concern, at what hour, and what they tell in which order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest

from winnow.pipeline.rules import Completed, Crossed, Entered, Exited, Occupied, RuleOutcome, Rules, Sighting
from winnow.pipeline.settings import CameraSettings

FRAME = (800, 600)
FRIDAY_NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
LEFT, RIGHT, FAR_RIGHT = (200.0, 300.0), (600.0, 300.0), (780.0, 300.0)
HALVES: dict[str, Any] = {
    "left": {"points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]},
    "right": {"points": [[0.5, 0], [0.9, 0], [0.9, 1], [0.5, 1]]},
}
MIDDLE: dict[str, Any] = {"points": [[0.5, 0], [0.5, 1]]}


def rules(begins: datetime = FRIDAY_NOON, **given: Any) -> Rules:
    """Return the rules of a camera with these settings, whose stream begins at a wall time."""
    settings = CameraSettings.model_validate({"source": "a.mp4", **given})
    return Rules(settings, frame_size=FRAME, moment=lambda at_s: begins + timedelta(seconds=float(at_s)))


def seen(
    at_s: Fraction | float, anchor: tuple[float, float], size: tuple[float, float] = (40, 100), score: float = 0.8
) -> Sighting:
    """Return a sighting of a box that stands at `anchor`."""
    (x, y), (width, height) = anchor, size
    return Sighting(at_s=Fraction(at_s), box=(x - width / 2, y - height, x + width / 2, y), score=score)


def walk(
    watched: Rules,
    *places: tuple[float, float],
    label: str = "person",
    begin_s: float = 0,
    track: int = 1,
    **looks: Any,
) -> list[RuleOutcome]:
    """Return what an object brings about that is seen for two seconds at each place, twice a second."""
    way = [place for place in places for _ in range(4)]
    return [
        outcome
        for index, place in enumerate(way)
        for outcome in watched.see(track, label, seen(begin_s + index / 2, place, **looks))
    ]


def kinds(outcomes: Sequence[RuleOutcome]) -> list[str]:
    """Return the kind of each outcome and the rule's name."""
    named = [
        getattr(one, "line", None) or getattr(one, "zone", None) or getattr(one, "sequence", "") for one in outcomes
    ]
    return [f"{type(one).__name__} {name}" for one, name in zip(outcomes, named, strict=True)]


@pytest.mark.parametrize(
    ("label", "expected"), [("car", ["Crossed gate", "Entered left"]), ("person", ["Entered left"])]
)
def test_labels_choose_whom_a_rule_concerns(label: str, expected: list[str]) -> None:
    """A rule without labels concerns everyone, one with labels only those."""
    both = rules(lines={"gate": {**MIDDLE, "labels": ["car"]}}, zones={"left": HALVES["left"]})
    assert kinds(walk(both, FAR_RIGHT, LEFT, label=label)) == expected


@pytest.mark.parametrize(("direction", "told"), [("both", ["in", "out"]), ("in", ["in"]), ("out", ["out"])])
def test_line_tells_the_direction_that_was_asked_for(direction: str, told: list[str]) -> None:
    """The other one is a change of side as well, only nobody hears of it."""
    outcomes = walk(rules(lines={"gate": {**MIDDLE, "direction": direction}}), RIGHT, LEFT, RIGHT)
    assert [one.direction for one in outcomes if isinstance(one, Crossed)] == told


@pytest.mark.parametrize(
    ("wanted", "passes"),
    [
        ({"min_score": 0.8}, True),
        ({"min_score": 0.81}, False),
        ({"min_area": 0.008, "max_area": 0.009}, True),
        ({"min_area": 0.009}, False),
        ({"max_area": 0.008}, False),
        ({"min_aspect": 0.3, "max_aspect": 0.5}, True),
        ({"max_aspect": 0.3}, False),
        ({"min_aspect": 0.5}, False),
    ],
)
@pytest.mark.parametrize("kind", ["line", "zone"])
def test_filter_asks_for_score_size_and_shape(wanted: dict[str, float], kind: str, *, passes: bool) -> None:
    """A box of 40 x 100 pixels is a 120th of the frame and 0.4 times as wide as high."""
    given = (
        {"lines": {"gate": {**MIDDLE, "filter": wanted}}}
        if kind == "line"
        else {"zones": {"left": {**HALVES["left"], "filter": wanted}}}
    )
    assert bool(walk(rules(**given), RIGHT, LEFT)) == passes


def test_filter_is_not_moved_by_single_boxes() -> None:
    """Two of five boxes that are cut to half their height, with low scores, change no median."""
    watched = rules(zones={"left": {**HALVES["left"], "filter": {"max_aspect": 0.5, "min_score": 0.6}}})
    told = []
    for index in range(8):
        flickers = index % 5 in (2, 3)
        look = seen(index / 5, LEFT, size=(40, 50) if flickers else (40, 100), score=0.3 if flickers else 0.8)
        told += [(index, kind) for kind in kinds(watched.see(1, "person", look))]
    assert told == [(2, "Entered left")]


def test_object_that_grows_too_large_stays_inside() -> None:
    """A filter is asked when an object would come in; once inside it leaves on its own feet."""
    watched = rules(zones={"left": {**HALVES["left"], "filter": {"max_area": 0.01}}})
    assert kinds(walk(watched, LEFT)) == ["Entered left"]
    assert walk(watched, LEFT, begin_s=2, size=(200, 200)) == []
    assert kinds(walk(watched, FAR_RIGHT, begin_s=4, size=(200, 200))) == ["Exited left"]


@pytest.mark.parametrize(("anchor", "entered"), [("bottom", False), ("centre", True), ("top", True)])
def test_anchor_chooses_the_point_that_counts(anchor: str, *, entered: bool) -> None:
    """Feet are the default; where they are never seen, the middle or the top of the box may count."""
    upper = {"points": [[0, 0], [1, 0], [1, 0.45], [0, 0.45]], "anchor": anchor}
    assert bool(walk(rules(zones={"upper": upper}), (400, 300))) == entered


NIGHT = {"time_zone": "Europe/Berlin", "hours": [{"days": ["fri"], "start": "22:00", "end": "06:00"}]}


def test_zone_is_empty_outside_its_hours() -> None:
    """Whoever is inside when the hours begin enters then, and leaves when they end."""
    begins = datetime(2026, 1, 2, 20, 59, 58, tzinfo=UTC)  # 21:59:58 in Berlin
    watched = rules(begins, zones={"left": {**HALVES["left"], "schedule": NIGHT}})
    assert walk(watched, LEFT) == []
    assert walk(watched, LEFT, begin_s=2) == [Entered(at_s=Fraction(2), zone="left")]
    morning_s = Fraction(8 * 3600 + 2)  # 06:00 in Berlin
    assert watched.close(morning_s - 1) == []
    assert watched.stay(1, "person", morning_s - 1) == []
    assert watched.close(morning_s) == [
        (1, Exited(at_s=morning_s - 1, zone="left", dwell_s=morning_s - 3)),
    ]
    assert watched.stay(1, "person", morning_s + 1) == []
    assert watched.zones_of(1) == ()


@pytest.mark.parametrize(("begins_at", "counted"), [(56.9, False), (57.5, True)])
def test_line_counts_by_the_hour_of_the_crossing(begins_at: float, *, counted: bool) -> None:
    """Not by that at which it was believed: the crossing comes 1.75 s after the first sighting."""
    begins = datetime(2026, 1, 2, 20, 59, tzinfo=UTC) + timedelta(seconds=begins_at)
    gate = {**MIDDLE, "schedule": {"hours": [{"start": "21:00", "end": "22:00"}]}}
    assert bool(walk(rules(begins + timedelta(seconds=1), lines={"gate": gate}), RIGHT, LEFT)) == counted


ARRIVAL: dict[str, Any] = {"zones": HALVES, "sequences": {"arrival": {"zones": ["right", "left"], "within_s": 10}}}


def completed(outcomes: list[RuleOutcome]) -> list[Completed]:
    """Return the sequences that were completed."""
    return [one for one in outcomes if isinstance(one, Completed)]


def test_sequence_is_completed_with_the_entry_into_its_last_zone() -> None:
    """Its event follows that entry, with its time and the time since the object left the first zone."""
    outcomes = walk(rules(**ARRIVAL), RIGHT, LEFT)
    assert kinds(outcomes) == ["Entered right", "Exited right", "Entered left", "Completed arrival"]
    (arrival,) = completed(outcomes)
    assert arrival == Completed(
        at_s=Fraction("1.75"), sequence="arrival", zones=("right", "left"), duration_s=Fraction("0.25")
    )


def test_sequence_asks_for_its_order() -> None:
    """The way back is no arrival."""
    assert completed(walk(rules(**ARRIVAL), LEFT, RIGHT)) == []


def test_sequence_runs_from_leaving_the_first_zone() -> None:
    """However long an object stayed there, and however often it was there, the last time counts."""
    watched = rules(**ARRIVAL)
    told = walk(watched, RIGHT)
    for step in range(100):
        told += watched.stay(1, "person", Fraction(2 + step))
    told += walk(watched, FAR_RIGHT, FAR_RIGHT, LEFT, begin_s=102)
    assert len(completed(told)) == 1
    late = rules(**ARRIVAL)
    assert completed(walk(late, RIGHT, *[FAR_RIGHT] * 6, LEFT)) == []


def test_sequence_is_completed_once_a_passage() -> None:
    """Coming back into the last zone completes nothing; going through the first again does."""
    told = walk(rules(**ARRIVAL), RIGHT, LEFT, FAR_RIGHT, LEFT, RIGHT, LEFT)
    assert [float(one.at_s) for one in completed(told)] == [1.75, 9.75]


def test_sequence_of_three_zones_may_be_left_and_taken_up_again() -> None:
    """Turning back in between does no harm; the way through all three within the time counts."""
    thirds = {
        name: {"points": [[x, 0], [x + 0.3, 0], [x + 0.3, 1], [x, 1]]}
        for name, x in (("a", 0.0), ("b", 0.33), ("c", 0.67))
    }
    a, b, c = (120.0, 300.0), (384.0, 300.0), (656.0, 300.0)
    through = {"zones": ["a", "b", "c"], "within_s": 5}
    for way, times in (
        ([a, b, c], [3.75]),
        ([a, b, a, b, c], [7.75]),
        ([b, a, c], []),
        ([a, b, b, b, c], []),
        ([a, c, b, c], [5.75]),
    ):
        told = completed(walk(rules(zones=thirds, sequences={"through": through}), *way))
        assert [round(float(one.at_s)) for one in told] == [round(at_s) for at_s in times], way


def occupancy(**given: Any) -> Rules:
    """Return a zone that tells when two are inside."""
    return rules(zones={"left": {**HALVES["left"], "occupancy": {"threshold": 2, **given}}})


def test_occupancy_is_told_when_it_passes_its_threshold() -> None:
    """`above` when as many as the threshold are inside, `below` when fewer are again; the time is the change's."""
    watched = occupancy(cool_down_s=0)
    told: list[tuple[float, Occupied]] = []
    for index in range(20):
        at_s = index / 2
        watched.see(1, "person", seen(at_s, LEFT))
        watched.see(2, "person", seen(at_s, RIGHT if index < 4 or index > 12 else LEFT))
        told += [(at_s, one) for one in watched.count(Fraction(at_s))]
    above = Occupied(at_s=Fraction("1.75"), zone="left", count=2, threshold=2, state="above")
    below = Occupied(at_s=Fraction("6.25"), zone="left", count=1, threshold=2, state="below")
    assert told == [(2.5, above), (7.0, below)]


def test_occupancy_that_changes_back_in_the_cool_down_is_not_told() -> None:
    """Someone who steps out and in again makes no news; what is so at its end is told then, with its own time."""
    watched = occupancy(cool_down_s=20)
    told: list[tuple[float, Occupied]] = []
    for index in range(60):
        at_s = index / 2
        is_out = index in range(10, 16) or index >= 24
        watched.see(1, "person", seen(at_s, LEFT))
        watched.see(2, "person", seen(at_s, RIGHT if is_out else LEFT))
        told += [(at_s, one) for one in watched.count(Fraction(at_s))]
    assert [(at_s, one.state, float(one.at_s)) for at_s, one in told] == [(0.5, "above", 0.0), (20.5, "below", 11.75)]


def test_occupancy_ends_with_the_stream() -> None:
    """Nobody waits for a `below` that never comes, cool-down or not."""
    watched = occupancy(cool_down_s=1000)
    for track in (1, 2):
        walk(watched, LEFT, track=track)
    assert [one.state for one in watched.count(Fraction(2))] == ["above"]
    for track in (1, 2):
        watched.end(track)
    assert watched.count(Fraction(3)) == []
    (last,) = watched.count(Fraction(3), is_last=True)
    assert (last.state, last.count, last.at_s) == ("below", 0, Fraction("1.5"))


def test_end_of_an_object_leaves_its_zones_and_nothing_else() -> None:
    """The zones an object is in are known until it ends, then exited; nothing of it is kept."""
    watched = rules(lines={"gate": MIDDLE}, **ARRIVAL)
    walk(watched, RIGHT, LEFT)
    assert watched.zones_of(1) == ("left",)
    assert kinds(watched.end(1)) == ["Exited left"]
    assert watched.zones_of(1) == ()
    assert watched.end(1) == []
    assert not watched._looks._seen
    assert not watched._identities._followers
    assert not any(one.memory._crossers for one in watched._lines)
    assert not any(one.memory.zone._visitors for one in watched._zones)
    assert not any(one.memory._left_first_s for one in watched._sequences)


def test_changed_rules_keep_what_did_not_change() -> None:
    """A zone that is gone lets everybody out and says so; others know their visitors still."""
    both = {"left": {**HALVES["left"], "occupancy": {"threshold": 1}}, "right": HALVES["right"]}
    whole = {"points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    watched = rules(zones={**both, "whole": whole})
    walk(watched, LEFT)
    watched.count(Fraction(2))
    settings = CameraSettings.model_validate({"source": "a.mp4", "zones": {"right": HALVES["right"], "whole": whole}})
    successor, exits, emptied = watched.changed(settings, Fraction(2))
    assert exits == [(1, Exited(at_s=Fraction("1.5"), zone="left", dwell_s=Fraction("1.5")))]
    assert [(one.state, one.count) for one in emptied] == [("below", 0)]
    assert successor.zones_of(1) == ("whole",)


def test_swapped_objects_keep_their_looks() -> None:
    """A filter asks how the object looked, not what looked so under its number."""
    watched = rules(zones={"left": {**HALVES["left"], "filter": {"max_aspect": 0.5}}})
    for index in range(5):
        watched.see(1, "person", seen(index / 5, RIGHT))
        watched.see(2, "person", seen(index / 5, FAR_RIGHT, size=(100, 100)))
    swapped = {1: seen(1, FAR_RIGHT, size=(100, 100)), 2: seen(1, RIGHT)}
    watched.recognise(Fraction(1), swapped.items())
    for index in range(2):
        watched.see(1, "person", seen(1 + index / 5, FAR_RIGHT, size=(100, 100)))
    told = [outcome for index in range(2) for outcome in watched.see(2, "person", seen(1 + index / 2, LEFT))]
    assert kinds(told) == ["Entered left"]

"""However badly objects are seen, the counts are those of their true ways."""

from collections import Counter
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from hypothesis import given, settings

from tests.unit.pipeline.rules.worlds import BORDER_X, FRAME, LANES, TrueWay, World, worlds
from winnow.pipeline.rules import Completed, Crossed, Dwelled, Entered, Exited, Occupied, RuleOutcome, Rules
from winnow.pipeline.settings import CameraSettings

DWELL_S: Final = 6
LEFT, RIGHT = ((0.1, BORDER_X / FRAME[0]), (BORDER_X / FRAME[0], 0.9))
SETTINGS: Final[dict[str, Any]] = {
    "source": "a.mp4",
    "lines": {"border": {"points": [[0.5, 1], [0.5, 0]]}},
    "zones": {
        name: {
            "points": [[x1, 0.1], [x2, 0.1], [x2, 1], [x1, 1]],
            "dwell_s": DWELL_S,
            "occupancy": {"threshold": 2, "cool_down_s": 0},
        }
        for name, (x1, x2) in (("left", LEFT), ("right", RIGHT))
    },
    "sequences": {"rightwards": {"zones": ["left", "right"], "within_s": 20}},
}
CAMERA: Final = CameraSettings.model_validate(SETTINGS)


class Watched:
    """What the rules of a camera tell of a world.

    Attributes:
        told: about objects.
        occupied: by the time of the frame.
    """

    def __init__(self, world: World) -> None:
        rules = Rules(CAMERA, frame_size=FRAME, moment=lambda _: (_ for _ in ()).throw(AssertionError("no schedule")))
        self.told: list[RuleOutcome] = []
        self.occupied: list[tuple[Fraction, Occupied | None]] = []
        for at_s, seen in world.frames():
            rules.recognise(at_s, seen.items())
            for track, sighting in seen.items():
                self.told += rules.see(track, "person", sighting)
            right = [one for one in rules.count(at_s) if one.zone == "right"]
            self.occupied.append((at_s, right[0] if right else None))
        for track in (1, 2):
            self.told += rules.end(track)

    def count(self, kind: type[RuleOutcome], **about: str) -> int:
        """Return how often a kind was told."""
        return sum(
            isinstance(one, kind) and all(getattr(one, key) == value for key, value in about.items())
            for one in self.told
        )


def check_counts(world: World) -> None:
    """Compare what the rules tell of a world with what truly happened in it."""
    watched = Watched(world)
    crossings = Counter(side for way in world.ways for _, side in way.crossings)
    starts = Counter(way.first_side for way in world.ways)
    assert watched.count(Crossed, direction="in") == crossings[1]
    assert watched.count(Crossed, direction="out") == crossings[-1]
    for zone, side in (("left", -1), ("right", 1)):
        assert watched.count(Entered, zone=zone) == crossings[side] + starts[side]
        assert watched.count(Exited, zone=zone) == crossings[side] + starts[side]
    assert watched.count(Completed) == crossings[1]
    _check_dwells(world, watched)
    _check_occupancy(world, watched)


def _check_dwells(world: World, watched: Watched) -> None:
    """Visits that are clearly long enough dwelled, those that clearly are not did not."""
    lengths = [end - begin for way in world.ways for begin, end in way.visits_right(world.end_s)]
    unsure_s = world.blind_s
    surely = sum(length >= DWELL_S + unsure_s for length in lengths)
    possibly = sum(length >= DWELL_S - unsure_s for length in lengths)
    assert surely <= watched.count(Dwelled, zone="right") <= possibly


def _check_occupancy(world: World, watched: Watched) -> None:
    """When nothing changed for long enough, what was told last is true; nothing is told twice."""
    changes = sorted(at_s for way in world.ways for at_s, _ in way.crossings)
    told = "below"
    for at_s, news in watched.occupied:
        if news is not None:
            assert news.state != told
            told = news.state
        last_change_s = max((change for change in changes if change <= at_s), default=Fraction(0))
        if at_s - last_change_s > world.blind_s:
            inside = sum(way.x_at(at_s) > BORDER_X for way in world.ways)
            assert told == ("above" if inside == 2 else "below")
    times = [news.at_s for _, news in watched.occupied if news is not None]
    assert all(first <= second for first, second in pairwise(times))


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_counts_are_those_of_the_true_ways(world: World) -> None:
    """Trembling, flickering, missed frames, swapped numbers, 1 to 30 frames a second: nothing more, nothing less."""
    check_counts(world)


def world_of(*, rate: int = 10, swaps: tuple[Fraction, ...] = (), **seeing: float) -> World:
    """Return two objects that stay on their sides for a minute, the left one and the right one."""
    ways = (TrueWay(-1, (Fraction(60),)), TrueWay(1, (Fraction(60),)))
    return World(
        ways, rate, seeing.get("missed", 0.0), seeing.get("flickering", 0.0), swaps, seed=1, steady_s=Fraction(0)
    )


def test_flickering_over_the_line_is_no_crossing() -> None:
    """A third of the boxes lies far over the line, for a frame each."""
    for rate in (1, 5, 30):
        check_counts(world_of(rate=rate, flickering=0.3))


def test_swapped_numbers_are_no_crossing() -> None:
    """Two objects on both sides of a line exchange their numbers again and again."""
    for rate in (1, 5, 30):
        check_counts(world_of(rate=rate, swaps=tuple(Fraction(at_s) for at_s in (10, 20, 25, 40))))


def test_swap_is_seen_though_one_of_them_is_not() -> None:
    """When only one of the two is found at first, under the other's number, the other is known when it comes back."""
    for rate in (2, 5, 30):
        check_counts(world_of(rate=rate, missed=0.4, swaps=tuple(Fraction(at_s) for at_s in range(5, 50, 3))))


def test_two_who_change_places_have_crossed() -> None:
    """They walk past each other over the line, one each way, at any rate: that is no swap."""
    for rate in (1, 2, 3, 5, 8, 15, 30):
        ways = (TrueWay(-1, (Fraction(9), Fraction(9))), TrueWay(1, (Fraction(9), Fraction(9))))
        check_counts(World(ways, rate, 0.0, 0.0, (), seed=rate))


def test_passing_in_the_same_lane_is_no_swap(monkeypatch: Any) -> None:
    """Also when they pass so closely that each takes the other's place."""
    monkeypatch.setattr("tests.unit.pipeline.rules.worlds.LANES", (LANES[0], LANES[0]))
    for rate in (3, 5, 8, 15, 30):
        ways = (TrueWay(-1, (Fraction(9), Fraction(9))), TrueWay(1, (Fraction(9), Fraction(9))))
        check_counts(World(ways, rate, 0.0, 0.0, (), seed=rate))

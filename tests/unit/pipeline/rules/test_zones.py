"""Who is in a zone and for how long."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.rules import Crossed, Entered, Exited, RuleOutcome, Rules, Sighting
from winnow.pipeline.rules.zones import Zone, ZoneChange
from winnow.pipeline.settings import LineSettings, ZoneSettings

YARD = ((100.0, 100.0), (500.0, 100.0), (500.0, 500.0), (100.0, 500.0))
FRAME = (800, 600)
INSIDE, OUTSIDE, BORDER = (300.0, 300.0), (700.0, 300.0), (503.0, 300.0)


def visit(zone: Zone, way: list[tuple[float, float]], every_s: Fraction = Fraction(1, 5)) -> list[ZoneChange]:
    """Return what changes on a way of which each point is seen, in order."""
    seen = [zone.see(1, point, index * every_s) for index, point in enumerate(way)]
    return [change for change in seen if change is not None]


def test_object_enters_and_exits_with_its_dwell() -> None:
    """Dwell runs from the first to the last sighting inside, not to the moment at which the exit was believed."""
    changes = visit(Zone(YARD, band=10), [OUTSIDE] * 3 + [INSIDE] * 5 + [OUTSIDE] * 3)
    assert changes == [ZoneChange(kind="entered"), ZoneChange(kind="exited", dwell_s=Fraction(4, 5))]


def test_object_that_appears_inside_has_entered() -> None:
    """Nobody is in a zone without having entered it."""
    assert visit(Zone(YARD, band=10), [INSIDE] * 3) == [ZoneChange(kind="entered")]


def test_object_that_ends_inside_exits() -> None:
    """The end of an object is the end of its visit; nothing of it is kept."""
    zone = Zone(YARD, band=10)
    visit(zone, [INSIDE] * 6)
    assert zone.is_inside(1)
    assert zone.forget(1) == ZoneChange(kind="exited", dwell_s=Fraction(1))
    assert zone.forget(1) is None
    assert not zone.is_inside(1)


def test_object_that_ends_outside_does_not_exit() -> None:
    """Whoever never came cannot leave."""
    zone = Zone(YARD, band=10)
    visit(zone, [OUTSIDE] * 6)
    assert zone.forget(1) is None


def test_narrow_zone_can_be_entered() -> None:
    """Where a zone has less room than the band is wide, the band is less wide."""
    lane = ((0.0, 290.0), (800.0, 290.0), (800.0, 300.0), (0.0, 300.0))
    assert visit(Zone(lane, band=10), [(400.0, 295.0)] * 3) == [ZoneChange(kind="entered")]


@given(st.lists(st.floats(491, 509), max_size=80), st.integers(1, 30), st.sampled_from([INSIDE, OUTSIDE]))
def test_jitter_on_the_border_changes_nothing(way: list[float], rate: int, start: tuple[float, float]) -> None:
    """An object that trembles on the border stays where it was."""
    zone = Zone(YARD, band=10)
    every_s = Fraction(1, rate)
    changes = visit(zone, [start] * 30 + [(x, 300.0) for x in way], every_s)
    assert [change.kind for change in changes] == (["entered"] if start == INSIDE else [])


@given(st.lists(st.sampled_from([INSIDE, OUTSIDE, BORDER]), max_size=60), st.integers(1, 30))
def test_every_visit_has_one_beginning_and_one_end(way: list[tuple[float, float]], rate: int) -> None:
    """Entered and exited alternate, and the end of the object closes the last visit."""
    zone = Zone(YARD, band=10)
    changes = visit(zone, way, Fraction(1, rate))
    last = zone.forget(1)
    kinds = [change.kind for change in [*changes, *([last] if last else [])]]
    assert kinds == ["entered", "exited"] * (len(kinds) // 2)
    assert all(change.dwell_s >= 0 for change in changes)


def rules() -> Rules:
    """A line for cars at x = 400, a zone for all on the left of it."""
    line = LineSettings(points=((0.5, 0.0), (0.5, 1.0)), labels=("car",))
    zone = ZoneSettings(points=((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
    return Rules(lines={"gate": line}, zones={"yard": zone}, frame_size=FRAME)


def drive(rules: Rules, label: str) -> list[RuleOutcome]:
    """Return what an object brings about that comes from the right and stops on the left."""
    way = [(700.0, 300.0)] * 3 + [(200.0, 300.0)] * 3
    return [
        outcome
        for index, point in enumerate(way)
        for outcome in rules.see(7, label, Sighting(at_s=Fraction(index, 5), anchor=point))
    ]


@pytest.mark.parametrize(
    ("label", "outcomes"),
    [
        ("car", [Crossed(line="gate", direction="in"), Entered(zone="yard")]),
        ("person", [Entered(zone="yard")]),
    ],
)
def test_labels_choose_whom_a_rule_concerns(label: str, outcomes: list[RuleOutcome]) -> None:
    """A rule without labels concerns everyone, one with labels only those."""
    assert drive(rules(), label) == outcomes


def test_end_of_an_object_leaves_its_zones() -> None:
    """The zones an object is in are known until it ends, then exited."""
    both = rules()
    drive(both, "car")
    assert both.zones_of(7) == ("yard",)
    assert both.end(7) == [Exited(zone="yard", dwell_s=Fraction(2, 5))]
    assert both.zones_of(7) == ()
    assert both.end(7) == []

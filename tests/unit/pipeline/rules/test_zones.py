"""Who is in a zone and for how long."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.rules.zones import Zone, ZoneChange

YARD = ((100.0, 100.0), (500.0, 100.0), (500.0, 500.0), (100.0, 500.0))
FRAME = (800, 600)
INSIDE, OUTSIDE, BORDER = (300.0, 300.0), (700.0, 300.0), (503.0, 300.0)
FIFTH = Fraction(1, 5)


def yard(dwell_s: Fraction | None = None, band: float = 10) -> Zone:
    """Return a zone from x = 100 to x = 500."""
    return Zone(YARD, frame_size=FRAME, band=band, dwell_s=dwell_s)


def always(_at_s: Fraction) -> bool:
    """Everybody counts."""
    return True


def visit(
    zone: Zone, way: list[tuple[float, float]], every_s: Fraction = FIFTH, begin_s: Fraction = Fraction(0)
) -> list[ZoneChange]:
    """Return what changes on a way of which each point is seen, in order."""
    return [
        change for index, point in enumerate(way) for change in zone.see(1, point, begin_s + index * every_s, always)
    ]


def kinds(changes: list[ZoneChange]) -> list[str]:
    """Return what kind each change is of."""
    return [change.kind for change in changes]


def test_visit_lasts_from_border_to_border() -> None:
    """Times and dwell are those at which the way met the border, not those at which that was believed."""
    changes = visit(yard(), [OUTSIDE] * 3 + [INSIDE] * 5 + [OUTSIDE] * 3)
    entered_s, exited_s = Fraction("0.5"), Fraction("1.5")
    assert changes == [
        ZoneChange(kind="entered", at_s=entered_s),
        ZoneChange(kind="exited", at_s=exited_s, dwell_s=exited_s - entered_s),
    ]


def test_object_that_appears_inside_has_entered() -> None:
    """Nobody is in a zone without having entered it: at the latest when first seen."""
    changes = visit(yard(), [INSIDE] * 3, begin_s=Fraction(7))
    assert changes == [ZoneChange(kind="entered", at_s=Fraction(7))]


def test_object_that_ends_inside_exits_when_it_was_last_seen() -> None:
    """The end of an object is the end of its visit; nothing of it is kept."""
    zone = yard()
    visit(zone, [INSIDE] * 6)
    assert zone.is_inside(1)
    assert zone.forget(1) == [ZoneChange(kind="exited", at_s=Fraction(1), dwell_s=Fraction(1))]
    assert zone.forget(1) == []
    assert not zone.is_inside(1)


def test_object_that_ends_outside_does_not_exit() -> None:
    """Whoever never came cannot leave."""
    zone = yard()
    visit(zone, [OUTSIDE] * 6)
    assert zone.forget(1) == []


def test_narrow_zone_can_be_entered() -> None:
    """Where a zone has less room than the band is wide, the band is less wide."""
    lane = ((50.0, 290.0), (750.0, 290.0), (750.0, 300.0), (50.0, 300.0))
    zone = Zone(lane, frame_size=FRAME, band=10)
    assert kinds(visit(zone, [(400.0, 295.0)] * 3)) == ["entered"]


def test_object_cut_off_by_the_frame_can_be_inside() -> None:
    """A zone that is drawn down to the lower edge holds whoever stands there with the feet out of the picture."""
    door = ((200.0, 400.0), (600.0, 400.0), (600.0, 600.0), (200.0, 600.0))
    assert kinds(visit(Zone(door, frame_size=FRAME, band=10), [(400.0, 600.0)] * 3)) == ["entered"]


def test_dwell_is_told_once_a_visit_at_the_threshold() -> None:
    """Its time is exactly the dwell time after the entry, also between two frames; a new visit counts anew."""
    way = [OUTSIDE] * 2 + [INSIDE] * 8 + [OUTSIDE] * 2
    changes = visit(yard(Fraction(3)), way * 2, every_s=Fraction(1))
    dwells = [change for change in changes if change.kind == "dwelled"]
    assert dwells == [
        ZoneChange(kind="dwelled", at_s=Fraction("4.5"), dwell_s=Fraction(3)),
        ZoneChange(kind="dwelled", at_s=Fraction("16.5"), dwell_s=Fraction(3)),
    ]


def test_short_visit_is_no_dwell() -> None:
    """Who leaves before the time has not dwelled; who stays as long has, and is said so before the exit."""
    for inside, expected in ((3, ["entered", "exited"]), (4, ["entered", "dwelled", "exited"])):
        way = [OUTSIDE] * 2 + [INSIDE] * inside + [OUTSIDE] * 2
        assert kinds(visit(yard(Fraction(7, 2)), way, every_s=Fraction(1))) == expected


def test_dwell_goes_on_while_nothing_moves() -> None:
    """In frames without detection an object that is held where it was gets older inside."""
    zone = yard(Fraction(3))
    visit(zone, [INSIDE] * 3)
    told = [(step, change) for step in range(1, 30) for change in zone.stay(1, Fraction(step, 5), always)]
    assert told == [(15, ZoneChange(kind="dwelled", at_s=Fraction(3), dwell_s=Fraction(3)))]


def test_missed_object_dwells_when_it_is_seen_again() -> None:
    """Time in which nobody saw the object counts once it is found inside, and not if it never is."""
    seen_again, vanished = yard(Fraction(3)), yard(Fraction(3))
    for zone in (seen_again, vanished):
        visit(zone, [INSIDE] * 6)
    assert seen_again.see(1, INSIDE, Fraction(4), always) == [
        ZoneChange(kind="dwelled", at_s=Fraction(3), dwell_s=Fraction(3))
    ]
    assert vanished.forget(1) == [ZoneChange(kind="exited", at_s=Fraction(1), dwell_s=Fraction(1))]


def test_object_that_counts_only_later_enters_then() -> None:
    """A zone that is not watched has no visitors; who is inside when that changes comes in then, and stays."""
    zone = yard()
    entered = [change for step in range(10) for change in zone.see(1, INSIDE, Fraction(step), lambda at_s: at_s == 5)]
    assert entered == [ZoneChange(kind="entered", at_s=Fraction(5))]
    assert zone.is_inside(1)


def test_close_sends_everybody_out() -> None:
    """When a zone is no longer watched, its visits end; nobody comes back by staying."""
    zone = yard()
    visit(zone, [INSIDE] * 6)
    assert zone.close() == [(1, ZoneChange(kind="exited", at_s=Fraction(1), dwell_s=Fraction(1)))]
    assert zone.count == 0
    assert zone.see(1, INSIDE, Fraction(2), lambda _: False) == []


@given(st.lists(st.floats(491, 509), max_size=80), st.integers(1, 30), st.sampled_from([INSIDE, OUTSIDE]))
def test_jitter_on_the_border_changes_nothing(way: list[float], rate: int, start: tuple[float, float]) -> None:
    """An object that trembles on the border stays where it was."""
    changes = visit(yard(), [start] * 30 + [(x, 300.0) for x in way], Fraction(1, rate))
    assert kinds(changes) == (["entered"] if start == INSIDE else [])


@given(st.lists(st.sampled_from([INSIDE, OUTSIDE, BORDER]), max_size=60), st.integers(1, 30))
def test_every_visit_has_one_beginning_and_one_end(way: list[tuple[float, float]], rate: int) -> None:
    """Entered and exited alternate, in order of time, and the end of the object closes the last visit."""
    zone = yard()
    changes = [*visit(zone, way, Fraction(1, rate)), *zone.forget(1)]
    assert kinds(changes) == ["entered", "exited"] * (len(changes) // 2)
    times = [change.at_s for change in changes]
    assert times == sorted(times)
    exits = zip(changes[::2], changes[1::2], strict=True)
    assert all(exited.dwell_s == exited.at_s - entered.at_s for entered, exited in exits)


@pytest.mark.parametrize("tracks", [(1, 2), (2, 1)])
def test_swap_exchanges_visits(tracks: tuple[int, int]) -> None:
    """Whoever was inside is inside under the other number."""
    zone = yard()
    visit(zone, [INSIDE] * 3)
    zone.swap(*tracks)
    assert (zone.is_inside(1), zone.is_inside(2), zone.count) == (False, True, 1)


def test_visit_never_begins_before_the_zone_is_watched() -> None:
    """Who met the border before that, and was believed inside after it, enters when it is watched."""
    zone = yard()
    way = [OUTSIDE] * 2 + [INSIDE] * 3
    changes = [
        change
        for index, point in enumerate(way)
        for change in zone.see(1, point, Fraction(index), lambda at_s: at_s >= 2)
    ]
    assert changes == [ZoneChange(kind="entered", at_s=Fraction(3))]


def test_visit_never_ends_before_it_begins() -> None:
    """Who counts only when already just beyond the border has been inside for no time."""
    zone = yard()
    for index in range(4):
        zone.see(1, INSIDE, Fraction(index), lambda _: False)
    assert zone.see(1, (505, 300), Fraction(4), always) == [ZoneChange(kind="entered", at_s=Fraction(4))]
    zone.see(1, OUTSIDE, Fraction(5), always)
    assert zone.see(1, OUTSIDE, Fraction(6), always) == [ZoneChange(kind="exited", at_s=Fraction(4))]


def test_nobody_enters_who_is_seen_outside() -> None:
    """When a zone begins to be watched while somebody walks out of it, nobody came."""
    zone = yard()
    for index in range(4):
        zone.see(1, INSIDE, Fraction(index), lambda _: False)
    assert [change for at_s in (4, 5, 6) for change in zone.see(1, OUTSIDE, Fraction(at_s), always)] == []

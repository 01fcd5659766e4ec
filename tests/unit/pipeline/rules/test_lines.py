"""Who crosses a line: cases, then properties over true paths, jitter and frame rates."""

from fractions import Fraction
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.rules import Direction
from winnow.pipeline.rules.lines import Crossing, Line

COOL_DOWN_S = Fraction(2)

BAND = 10.0
"""Of a 600 x 800 frame."""


def door() -> Line:
    """A line at x = 400 from y = 100 to y = 500: its right side, as it points down, is x < 400."""
    return Line((400, 100), (400, 500), band=BAND, cool_down_s=COOL_DOWN_S)


def always(_at_s: Fraction) -> bool:
    """Everybody counts."""
    return True


def crossings(line: Line, way: list[tuple[float, float]], *, every_s: Fraction = Fraction(1, 5)) -> list[Crossing]:
    """Return what is counted on a way of which each point is seen, in order."""
    seen = [line.see(1, point, index * every_s, always) for index, point in enumerate(way)]
    return [crossing for crossing in seen if crossing is not None]


def walk(line: Line, way: list[tuple[float, float]], *, every_s: Fraction = Fraction(1, 5)) -> list[Direction]:
    """Return the directions of what is counted on a way."""
    return [crossing.direction for crossing in crossings(line, way, every_s=every_s)]


def steady(*places: tuple[float, float]) -> list[tuple[float, float]]:
    """Return three sightings at each place."""
    return [place for place in places for _ in range(3)]


@pytest.mark.parametrize(
    ("places", "counted"),
    [
        ([(500, 300), (300, 300)], ["in"]),
        ([(300, 300), (500, 300)], ["out"]),
        ([(500, 300), (395, 300)], []),
        ([(500, 300), (395, 300), (500, 300)], []),
        ([(500, 300), (395, 300), (300, 300)], ["in"]),
        ([(500, 50), (300, 50)], []),
        ([(500, 550), (300, 550)], []),
        ([(500, 300), (450, 600), (300, 600), (300, 300)], []),
        ([(500, 300), (300, 300), (500, 300)], ["in", "out"]),
        ([(395, 300), (300, 300)], []),
    ],
)
def test_crossing_is_counted_when_the_way_passed_between_the_ends(
    places: list[tuple[float, float]], counted: list[str]
) -> None:
    """What counts is the held side and where the way met the line; whoever walks round an end has not crossed."""
    assert walk(door(), steady(*places)) == counted


@pytest.mark.parametrize(("way", "at_s"), [([450, 350], "0.5"), ([430, 330], "0.3"), ([402, 302], "0.02")])
def test_crossing_has_the_moment_at_which_the_way_met_the_line(way: list[int], at_s: str) -> None:
    """It is believed later, when the new side has been held; its time lies between the sightings around the line."""
    before, after = ((float(x), 300.0) for x in way)
    (crossing,) = crossings(door(), [(500, 300), (500, 300), before, after, (300, 300)], every_s=Fraction(1))
    assert crossing.at_s == 2 + Fraction(at_s)


def test_crossing_counts_only_if_it_is_admitted_at_its_own_moment() -> None:
    """Whoever crosses while the line is not watched has changed sides, and is counted the next time."""
    line = door()
    way = steady((500, 300), (300, 300), (500, 300))
    seen = [line.see(1, point, Fraction(index), lambda at_s: at_s > 5) for index, point in enumerate(way)]
    assert [one for one in seen if one] == [Crossing(direction="out", at_s=Fraction("5.5"))]


def test_second_crossing_in_the_same_direction_waits_for_the_cool_down() -> None:
    """Who steps back and forth is counted once each way; after the cool-down, again."""
    back_and_forth = steady((500, 300), (300, 300), (500, 300), (300, 300))
    assert walk(door(), back_and_forth, every_s=Fraction(1, 5)) == ["in", "out"]
    assert walk(door(), back_and_forth, every_s=COOL_DOWN_S) == ["in", "out", "in"]


def test_objects_do_not_share_a_side() -> None:
    """Two objects on both sides of the line are no crossing."""
    line = door()
    for index in range(10):
        assert line.see(1, (300, 300), Fraction(index), always) is None
        assert line.see(2, (500, 300), Fraction(index), always) is None


def test_ended_objects_are_forgotten() -> None:
    """A number's first sighting after `forget` is like that of a new object."""
    line = door()
    walk(line, steady((500, 300)))
    line.forget(1)
    assert walk(line, steady((300, 300))) == []
    assert line._crossers.keys() == {1}


@given(
    rate=st.integers(1, 30),
    stays=st.lists(st.fractions(min_value=3, max_value=6, max_denominator=10), min_size=1, max_size=5),
    jitter=st.randoms(use_true_random=False),
    first_side=st.sampled_from([-1, 1]),
)
def test_counts_are_those_of_the_true_path_at_any_frame_rate(
    rate: int, stays: list[Fraction], jitter: Random, first_side: int
) -> None:
    """An object that stays a while on each side is counted once a change, however it trembles and is sampled."""
    side, changes, clock, way = first_side, [], Fraction(0), []
    for stay in stays:
        changes.append((clock, side))
        clock += stay
        side = -side
    for index in range(int(clock * rate)):
        at_s = Fraction(index, rate)
        true_side = next(side for since, side in reversed(changes) if since <= at_s)
        way.append((400 + true_side * 25 + jitter.uniform(-14, 14), 300 + jitter.uniform(-14, 14)))
    expected = ["in" if side < 0 else "out" for _, side in changes[1:]]
    assert walk(door(), way, every_s=Fraction(1, rate)) == expected


@given(way=st.lists(st.floats(-9.9, 9.9), max_size=80), rate=st.integers(1, 30))
def test_jitter_on_the_line_is_never_counted(way: list[float], rate: int) -> None:
    """An object that came from one side and trembles on the line has not crossed it."""
    points = [*steady((500, 300)), *((400 + offset, 300.0) for offset in way)]
    assert walk(door(), points, every_s=Fraction(1, rate)) == []


@given(st.lists(st.tuples(st.floats(0, 800), st.floats(0, 600)), max_size=60), st.integers(1, 30))
def test_directions_alternate_on_a_line_without_ends(way: list[tuple[float, float]], rate: int) -> None:
    """Nobody can go in twice without coming out, wherever they are seen."""
    across = Line((400, -1e6), (400, 1e6), band=BAND, cool_down_s=COOL_DOWN_S)
    counted = walk(across, way, every_s=Fraction(1, rate) + COOL_DOWN_S)
    assert all(first != second for first, second in pairwise(counted))

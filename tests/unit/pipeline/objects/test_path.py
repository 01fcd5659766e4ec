"""A way in a few points."""

import math
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.objects.path import MAX_POINTS, Path, PathPoint


def path_of(places: list[tuple[float, float]]) -> Path:
    """Return a path with one point a second."""
    path = Path()
    for second, (x, y) in enumerate(places):
        path.add(PathPoint(at_s=Fraction(second), x=x, y=y))
    return path


def test_straight_way_is_two_points() -> None:
    """What lies between the ends of a straight way says nothing."""
    summary = path_of([(i / 100, 0.5) for i in range(60)]).summary()
    assert [(float(point.at_s), point.x) for point in summary] == [(0.0, 0.0), (59.0, 0.59)]


def test_corner_is_kept() -> None:
    """Along the front of a house and round its corner: three points."""
    places = [(i / 50, 0.2) for i in range(30)] + [(0.6, 0.2 + i / 50) for i in range(30)]
    summary = path_of(places).summary()
    assert [(point.x, point.y) for point in summary] == [(0.0, 0.2), (0.6, 0.2), (0.6, 0.78)]


def test_standing_still_adds_nothing() -> None:
    """An hour in one place is one place."""
    assert len(path_of([(0.5, 0.5)] * 3600).summary()) == 2


def test_trembling_adds_nothing() -> None:
    """A straight way whose box is 4 pixels off to either side in turns is two points; a detour of 12 pixels is told."""
    trembling = [(i / 100, 0.5 + (4 if i % 2 else -4) / 576 * 0.5) for i in range(60)]
    assert len(path_of(trembling).summary()) == 2
    detour = [(x, y + (12 / 576 if 25 <= i < 35 else 0)) for i, (x, y) in enumerate(trembling)]
    assert len(path_of(detour).summary()) > 2


def test_long_winding_way_keeps_its_shape() -> None:
    """Three rounds of a yard in at most 32 points, none of them far from the circle's middle line."""
    summary = path_of([(0.5 + 0.4 * math.cos(i / 50), 0.5 + 0.4 * math.sin(i / 50)) for i in range(942)]).summary()
    assert len(summary) == MAX_POINTS
    gaps = [math.dist((a.x, a.y), (b.x, b.y)) for a, b in pairwise(summary)]
    assert max(gaps) < 0.5


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=200))
def test_summary_is_short_and_keeps_both_ends(places: list[tuple[float, float]]) -> None:
    """Any way has at most 32 points, in order, from its first to its last; and memory is bounded."""
    path = path_of(places)
    summary = path.summary()
    assert len(summary) <= MAX_POINTS
    assert len(path._points) < 2 * MAX_POINTS
    assert [point.at_s for point in summary] == sorted({point.at_s for point in summary})
    assert summary[0].at_s == 0
    assert summary[-1].at_s == len(places) - 1

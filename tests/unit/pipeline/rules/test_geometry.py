"""Sides, meeting places, depths."""

import pytest

from winnow.pipeline.rules.geometry import band_px, depth_inside, distance_right_of, meeting_place, room_inside

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))
ARROW = ((0.0, 0.0), (10.0, 0.0), (5.0, 5.0), (10.0, 10.0), (0.0, 10.0))


def test_right_is_below_a_line_that_points_right() -> None:
    """In a picture y points down, so whoever walks along the line has the lower half on the right."""
    assert distance_right_of((0, 0), (10, 0), (3, 4)) == 4
    assert distance_right_of((0, 0), (10, 0), (3, -4)) == -4
    assert distance_right_of((10, 0), (0, 0), (3, 4)) == -4


def test_meeting_place_counts_from_the_first_point() -> None:
    """The place is a share of the line's length, beyond 0..1 where the way passes its ends."""
    assert meeting_place((0, 0), (10, 0), (2, -1), (2, 1)) == pytest.approx(0.2)
    assert meeting_place((0, 0), (10, 0), (20, -1), (20, 3)) == pytest.approx(2.0)
    assert meeting_place((0, 0), (10, 0), (-5, -1), (-5, 1)) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("polygon", "point", "depth"),
    [
        (SQUARE, (5, 5), 5),
        (SQUARE, (5, 1), 1),
        (SQUARE, (5, -2), -2),
        (SQUARE, (13, 14), -5),
        (ARROW, (9, 5), -(8**0.5)),
        (ARROW, (2, 5), 2),
    ],
)
def test_depth_is_the_distance_to_the_border(
    polygon: tuple[tuple[float, float], ...], point: tuple[float, float], depth: float
) -> None:
    """Depth is positive inside and negative outside, also in the notch of a polygon that is not convex."""
    assert depth_inside(polygon, point) == pytest.approx(depth)


def test_room_never_exceeds_what_a_polygon_has() -> None:
    """Somewhere in a corridor a point is as deep as its room."""
    corridor = ((0.0, 0.0), (100.0, 0.0), (100.0, 4.0), (0.0, 4.0))
    assert 0 < room_inside(corridor) <= depth_inside(corridor, (50, 2))
    assert 0 < room_inside(SQUARE) <= depth_inside(SQUARE, (5, 5))


def test_band_is_one_hundredth_of_the_diagonal() -> None:
    """A 600 x 800 frame has a diagonal of 1000 pixels."""
    assert band_px((600, 800)) == 10

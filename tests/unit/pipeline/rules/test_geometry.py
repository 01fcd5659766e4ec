"""Sides, meeting places, depths."""

import pytest

from winnow.pipeline.rules.geometry import FramedPolygon, band_px, distance_right_of, meeting, room_inside

SQUARE = ((50.0, 50.0), (60.0, 50.0), (60.0, 60.0), (50.0, 60.0))
ARROW = ((50.0, 50.0), (60.0, 50.0), (55.0, 55.0), (60.0, 60.0), (50.0, 60.0))


def test_right_is_below_a_line_that_points_right() -> None:
    """In a picture y points down, so whoever walks along the line has the lower half on the right."""
    assert distance_right_of((0, 0), (10, 0), (3, 4)) == 4
    assert distance_right_of((0, 0), (10, 0), (3, -4)) == -4
    assert distance_right_of((10, 0), (0, 0), (3, 4)) == -4


def test_meeting_place_counts_from_the_first_point() -> None:
    """The place is a share of the line's length, beyond 0..1 where the way passes its ends."""
    assert meeting((0, 0), (10, 0), (2, -1), (2, 1)).along == pytest.approx(0.2)
    assert meeting((0, 0), (10, 0), (20, -1), (20, 3)).along == pytest.approx(2.0)
    assert meeting((0, 0), (10, 0), (-5, -1), (-5, 1)).along == pytest.approx(-0.5)
    assert meeting((0, 0), (10, 0), (20, -1), (20, 3)).share == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("polygon", "point", "depth"),
    [
        (SQUARE, (55, 55), 5),
        (SQUARE, (55, 51), 1),
        (SQUARE, (55, 48), -2),
        (SQUARE, (63, 64), -5),
        (ARROW, (59, 55), -(8**0.5)),
        (ARROW, (52, 55), 2),
    ],
)
def test_depth_is_the_distance_to_the_border(
    polygon: tuple[tuple[float, float], ...], point: tuple[float, float], depth: float
) -> None:
    """Depth is positive inside and negative outside, also in the notch of a polygon that is not convex."""
    assert FramedPolygon(polygon, (1000, 1000)).depth_inside(point) == pytest.approx(depth)


def test_edge_of_the_frame_is_no_border() -> None:
    """Whoever is cut off by the lower edge of the picture stands as deep in a zone as its other borders are far."""
    zone = FramedPolygon(((20.0, 60.0), (80.0, 60.0), (80.0, 100.0), (20.0, 100.0)), (100, 100))
    assert zone.depth_inside((50, 100)) == pytest.approx(30, abs=0.1)
    assert zone.depth_inside((10, 100)) == pytest.approx(-10, abs=0.1)
    whole = FramedPolygon(((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)), (100, 100))
    assert whole.depth_inside((0, 100)) == float("inf")


def test_room_never_exceeds_what_a_polygon_has() -> None:
    """Somewhere in a corridor a point is as deep as its room."""
    corridor = ((50.0, 50.0), (150.0, 50.0), (150.0, 54.0), (50.0, 54.0))
    assert 0 < room_inside(corridor) <= FramedPolygon(corridor, (1000, 1000)).depth_inside((100, 52))
    assert 0 < room_inside(SQUARE) <= FramedPolygon(SQUARE, (1000, 1000)).depth_inside((55, 55))


def test_band_is_one_hundredth_of_the_diagonal() -> None:
    """A 600 x 800 frame has a diagonal of 1000 pixels."""
    assert band_px((600, 800)) == 10

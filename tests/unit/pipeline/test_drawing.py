"""What the drawing of a camera's settings shows, and where."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.pipeline.drawing import draw_settings
from winnow.pipeline.settings import CameraSettings

Picture = NDArray[np.uint8]
SQUARE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
TOP_LEFT = [[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]]
BOTTOM_RIGHT = [[0.7, 0.7], [0.9, 0.7], [0.9, 0.9], [0.7, 0.9]]


def drawn(size: tuple[int, int] = (1200, 800), **given: Any) -> Picture:
    """Return the drawing on a black frame of that width and height."""
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    picture = draw_settings(frame, CameraSettings.model_validate({"source": "x", **given}))
    assert not frame.any(), "the frame itself stays as it was"
    return picture


def painted(picture: Picture, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return which share of a part of a frame of 1200 x 800 pixels, in 0..1 of it, was painted."""
    part = picture[round(y1 * 800) : round(y2 * 800), round(x1 * 1200) : round(x2 * 1200)]
    return float(part.any(axis=2).mean())


def test_zone_is_tinted_inside_only() -> None:
    """All of its area, and none of what lies beyond its border."""
    picture = drawn(zones={"z": {"points": SQUARE}})
    assert painted(picture, 0.41, 0.41, 0.59, 0.59) == 1
    assert painted(picture, 0, 0, 1, 0.38) == 0
    assert painted(picture, 0.62, 0, 1, 1) == 0


@pytest.mark.parametrize(
    ("direction", "rightwards", "leftwards"), [("in", True, False), ("out", False, True), ("both", True, True)]
)
def test_arrow_points_where_objects_are_counted(direction: str, *, rightwards: bool, leftwards: bool) -> None:
    """The right side of a line that points up the picture is its right."""
    picture = drawn(lines={"l": {"points": [[0.5, 0.95], [0.5, 0.05]], "direction": direction}})
    assert (painted(picture, 0.515, 0.48, 0.54, 0.52) > 0) == rightwards
    assert (painted(picture, 0.46, 0.48, 0.485, 0.52) > 0) == leftwards
    assert painted(picture, 0.56, 0.45, 0.64, 0.55) > 0, "the word `in` stands on its side"


def test_masks_are_told_apart() -> None:
    """Where motion is ignored there are stripes, with the picture between them; what no image shows is covered."""
    picture = drawn(motion={"masks": [TOP_LEFT]}, thumbnails={"masks": [BOTTOM_RIGHT]})
    assert 0.1 < painted(picture, 0.11, 0.22, 0.29, 0.29) < 0.6
    assert painted(picture, 0.71, 0.82, 0.89, 0.89) == 1
    assert painted(picture, 0.32, 0, 0.68, 1) == 0


def test_sequence_leads_from_zone_to_zone() -> None:
    """Something is drawn on the way between the two, and nothing beside it."""
    zones = {"a": {"points": TOP_LEFT}, "b": {"points": BOTTOM_RIGHT}}
    with_way = drawn(zones=zones, sequences={"s": {"zones": ["a", "b"]}})
    assert painted(with_way, 0.35, 0.35, 0.65, 0.7) > painted(drawn(zones=zones), 0.35, 0.35, 0.65, 0.7) == 0
    assert painted(with_way, 0.7, 0, 1, 0.6) == 0


@pytest.mark.parametrize("size", [(160, 120), (320, 192), (768, 576), (1920, 1080), (3840, 2160), (1080, 1920)])
def test_letters_are_readable_at_any_size(size: tuple[int, int]) -> None:
    """Small frames are enlarged by a whole number; on large ones letters and strokes grow; the legend stands below."""
    picture = drawn(size, zones={"yard": {"points": SQUARE}})
    enlarged = picture.shape[1] // size[0]
    assert picture.shape[1] == enlarged * size[0] >= 960
    legend = picture[enlarged * size[1] :]
    letters = np.all(np.less(legend[:, legend.shape[1] // 12 :], 128), axis=2)
    rows = np.flatnonzero(letters.any(axis=1))
    assert 12 <= rows[-1] - rows[0] <= 50
    assert letters.any(axis=0).sum() > 100


def test_long_rows_of_the_legend_are_broken() -> None:
    """No word is cut off at the edge of the picture."""
    hours = [{"days": ["mon", "tue", "wed", "thu", "fri"], "start": "08:00", "end": "18:00"}] * 6
    short = drawn(zones={"z": {"points": SQUARE}})
    long = drawn(zones={"z": {"points": SQUARE, "schedule": {"hours": hours}}})
    assert long.shape[0] > short.shape[0]
    assert (long[800:, -8:] == 255).all()


def test_nothing_to_draw_is_said() -> None:
    """The frame is shown bare, and the legend says that there are no rules."""
    picture = drawn()
    assert not picture[:800].any()
    assert (picture[800:] < 128).any()

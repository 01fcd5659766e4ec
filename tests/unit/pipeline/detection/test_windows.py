"""Windows around what moves and what is followed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.detection.windows import Box, windows_around

FRAME = (1920, 1080)
INPUT = (416, 416)


@st.composite
def areas(draw: st.DrawFn) -> Box:
    """Return a box that may reach beyond a 1920x1080 frame."""
    x, y = draw(st.floats(-200, 2000)), draw(st.floats(-200, 1200))
    return x, y, x + draw(st.floats(1, 900)), y + draw(st.floats(1, 900))


@given(st.lists(areas(), min_size=1, max_size=20))
def test_every_area_is_in_a_window(boxes: list[Box]) -> None:
    """As far as it lies within the frame, whole pixels, two by two, never larger than life."""
    windows = windows_around(boxes, FRAME, INPUT)
    corners = np.array([window.box for window in windows])
    limits = np.array([*FRAME, *FRAME])
    for box in boxes:
        x1, y1, x2, y2 = np.clip(np.array(box), 0, limits)
        assert np.any((corners[:, 0] <= x1) & (corners[:, 1] <= y1) & (corners[:, 2] >= x2) & (corners[:, 3] >= y2))
    assert (corners >= 0).all()
    assert (corners <= limits).all()
    assert (corners % 2 == 0).all()
    assert (corners[:, 2:] > corners[:, :2]).all()
    assert all(0 < window.scale <= 1 for window in windows)


def test_window_leaves_room_around_a_small_person() -> None:
    """At least two fifths of the person's size on each side, where the frame has it."""
    (window,) = windows_around([(500, 500, 525, 560)], FRAME, INPUT)
    x1, y1, x2, y2 = window.box
    assert x1 <= 490
    assert x2 >= 535
    assert y1 <= 476
    assert y2 >= 584


@pytest.mark.parametrize(("height", "person_px"), [(40, 40), (60, 48), (90, 48), (300, 150), (900, 208)])
def test_person_is_shown_as_tall_as_it_takes(height: float, person_px: float) -> None:
    """A small person keeps its pixels, a tall one is shrunk, and nobody is shown larger than in the frame."""
    (window,) = windows_around([(900, 50, 900 + height / 2.5, 50 + height)], FRAME, INPUT)
    assert height * window.scale == pytest.approx(person_px, rel=0.02)


def test_neighbours_share_a_window_and_strangers_do_not() -> None:
    """Two people side by side cost less together; one at the other end of the picture does not."""
    left, beside, far = (100, 100, 130, 170), (140, 105, 170, 175), (1700, 900, 1730, 970)
    assert len(windows_around([left, beside, far], FRAME, INPUT)) == 2


def test_track_that_has_left_is_looked_for_at_the_border() -> None:
    """There is always a window, and it is at the side where the track went."""
    (window,) = windows_around([(2000, 500, 2040, 600)], FRAME, INPUT)
    assert window.box[2] == FRAME[0]
    assert window.box[0] > FRAME[0] - 200

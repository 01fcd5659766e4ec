"""How far boxes moved, read from pixels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.pipeline.tracking.flow import Flow

FRAME = (480, 640)


def texture(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return noise with structure about a fifteenth of its height wide, as clothes have."""
    side = max(2, height // 15)
    coarse = np.random.default_rng(seed).integers(0, 255, (height // side + 2, width // side + 2))
    return np.kron(coarse, np.ones((side, side)))[:height, :width].astype(np.uint8)


def picture(*things: tuple[int, int, int, int], background: int = 90) -> NDArray[np.uint8]:
    """Return a luma plane on which each thing, x y width height, has a texture of its own."""
    luma = np.full(FRAME, background, np.uint8)
    for seed, (x, y, width, height) in enumerate(things):
        luma[y : y + height, x : x + width] = texture(seed, height, width)
    return luma


def corners(*things: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """Return x1 y1 x2 y2 of each thing."""
    return np.array([(x, y, x + width, y + height) for x, y, width, height in things], np.float64)


@pytest.mark.parametrize("size", [(12, 30), (30, 75), (120, 300)])
@pytest.mark.parametrize("share", [(0.0, 0.0), (0.2, 0.05), (-0.3, 0.1)])
def test_box_goes_where_its_texture_went(size: tuple[int, int], share: tuple[float, float]) -> None:
    """Whatever its size: to within 3 % of the box's height."""
    width, height = size
    shift = (round(share[0] * width), round(share[1] * height))
    flow = Flow()
    flow.remember(picture((200, 100, *size)), corners((200, 100, *size)))
    shifts = flow.measure(picture((200 + shift[0], 100 + shift[1], *size)), np.zeros((1, 2)))
    assert shifts.known.tolist() == [True]
    assert np.abs(shifts.pixels[0] - shift).max() <= 0.03 * height


def test_each_box_goes_its_own_way() -> None:
    """Three boxes, three directions; rows keep their order."""
    before = ((100, 100, 30, 75), (300, 100, 30, 75), (500, 300, 60, 40))
    after = ((106, 100, 30, 75), (295, 104, 30, 75), (500, 300, 60, 40))
    flow = Flow()
    flow.remember(picture(*before), corners(*before))
    shifts = flow.measure(picture(*after), np.zeros((3, 2)))
    assert shifts.known.all()
    assert shifts.pixels == pytest.approx(np.array([[6.0, 0], [-5, 4], [0, 0]]), abs=1.5)


def test_far_jump_is_found_where_it_is_expected() -> None:
    """A box that goes two of its widths between two frames is found if its track expects about that."""
    flow = Flow()
    flow.remember(picture((100, 100, 30, 75)), corners((100, 100, 30, 75)))
    shifts = flow.measure(picture((160, 100, 30, 75)), np.array([[56.0, 2.0]]))
    assert shifts.known.tolist() == [True]
    assert shifts.pixels[0] == pytest.approx([60, 0], abs=1)


def test_thing_that_vanished_is_not_found() -> None:
    """On an even background nothing can be followed; what is not known is zero."""
    flow = Flow()
    flow.remember(picture((100, 100, 30, 75)), corners((100, 100, 30, 75)))
    shifts = flow.measure(picture(), np.zeros((1, 2)))
    assert shifts.known.tolist() == [False]
    assert shifts.pixels.tolist() == [[0.0, 0.0]]


def test_thing_at_the_border_is_followed() -> None:
    """Half of the box is beyond the frame; the rest of it says where it goes."""
    flow = Flow()
    flow.remember(picture((0, 400, 40, 80)), corners((-20, 400, 60, 80)))
    shifts = flow.measure(picture((4, 400, 40, 80)), np.zeros((1, 2)))
    assert shifts.known.tolist() == [True]
    assert shifts.pixels[0] == pytest.approx([4, 0], abs=1)


def test_frame_of_another_size_tells_nothing() -> None:
    """After a change of resolution nothing is known, and nothing breaks."""
    flow = Flow()
    flow.remember(picture((100, 100, 30, 75)), corners((100, 100, 30, 75)))
    assert flow.measure(np.zeros((100, 100), np.uint8), np.zeros((1, 2))).known.tolist() == [False]


def test_without_boxes_there_is_nothing_to_do() -> None:
    """No boxes, no shifts."""
    flow = Flow()
    flow.remember(picture(), np.empty((0, 4)))
    assert flow.measure(picture(), np.empty((0, 2))).pixels.shape == (0, 2)


def test_only_chosen_boxes_are_measured() -> None:
    """The others stay unknown, and rows keep their order."""
    before, after = ((100, 100, 30, 75), (300, 100, 30, 75)), ((106, 100, 30, 75), (295, 104, 30, 75))
    flow = Flow()
    flow.remember(picture(*before), corners(*before))
    shifts = flow.measure(picture(*after), np.zeros((2, 2)), np.array([False, True]))
    assert shifts.known.tolist() == [False, True]
    assert shifts.pixels == pytest.approx(np.array([[0.0, 0], [-5, 4]]), abs=1.5)


@pytest.mark.parametrize("x", [14, 15, 18, 40])
def test_box_beside_the_border_is_followed_as_far_from_it(x: int) -> None:
    """Cells within the frame are cut out, those over its border padded: a box goes the same way in both."""
    flow = Flow()
    flow.remember(picture((x, 100, 30, 75)), corners((x, 100, 30, 75)))
    shifts = flow.measure(picture((x + 4, 102, 30, 75)), np.zeros((1, 2)))
    assert shifts.known.tolist() == [True]
    assert shifts.pixels[0] == pytest.approx([4, 2], abs=1.5)

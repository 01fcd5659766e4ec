"""Images are placed in the model's input, and boxes find their way back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.detectors import ImageError
from winnow.detectors.card import ImageInput
from winnow.detectors.images import check_image, fit_image, pack_input, place_image


def spec(**changes: Any) -> ImageInput:
    """Return an input of 64 x 32 pixels, changed."""
    plain = {"name": "image", "width": 64, "height": 32, "dtype": "uint8", "layout": "nhwc"}
    return ImageInput.model_validate(plain | changes)


def test_letterbox_keeps_proportions_and_centres() -> None:
    """A square image lies in the middle of a wide input, between filled borders."""
    canvas = np.zeros((32, 64, 3), np.uint8)
    placement = fit_image(np.full((16, 16, 3), 200, np.uint8), spec(fill=7), canvas)
    assert (placement.scale_x, placement.scale_y, placement.offset_x, placement.offset_y) == (2, 2, 16, 0)
    assert (canvas[:, :16] == 7).all()
    assert (canvas[:, 16:48] == 200).all()
    assert (canvas[:, 48:] == 7).all()


def test_letterbox_leaves_nothing_of_the_previous_image() -> None:
    """A canvas that is used again shows only the newest image."""
    canvas = np.full((32, 64, 3), 255, np.uint8)
    fit_image(np.zeros((8, 64, 3), np.uint8), spec(fill=0), canvas)
    assert not canvas.any()


def test_stretch_fills_the_input() -> None:
    """With `stretch` both axes have their own scale and nothing is left over."""
    canvas = np.zeros((32, 64, 3), np.uint8)
    placement = fit_image(np.full((64, 32, 3), 9, np.uint8), spec(fit="stretch"), canvas)
    assert (placement.scale_x, placement.scale_y) == (2, 0.5)
    assert (canvas == 9).all()


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    fit=st.sampled_from(["letterbox", "stretch"]),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_placed_point_returns_to_where_it_was(width: int, height: int, fit: str, corner: tuple[float, float]) -> None:
    """Whatever the image's size, a point scaled into the input and back is the same to a hundredth of a pixel."""
    placement, inner = place_image(width, height, spec(fit=fit))
    assert 1 <= inner[0] <= 64
    assert 1 <= inner[1] <= 32
    x, y = corner[0] * width, corner[1] * height
    placed = [x * placement.scale_x + placement.offset_x, y * placement.scale_y + placement.offset_y]
    (box,) = placement.to_source(np.array([placed * 2], np.float32))
    assert box.tolist() == pytest.approx([x, y, x, y], rel=1e-4, abs=0.01 * max(1, width / 64, height / 32))


def test_boxes_are_cut_at_the_image() -> None:
    """A box that reaches beyond the image ends at its borders."""
    placement, _ = place_image(16, 16, spec())
    (box,) = placement.to_source(np.array([[-50, -50, 500, 500]], np.float32))
    assert box.tolist() == [0, 0, 16, 16]


def test_float_input_is_normalised_in_the_models_order() -> None:
    """Channels are put in order first; mean and std belong to the model's order."""
    canvas = np.zeros((1, 32, 64, 3), np.uint8)
    canvas[..., :] = (10, 20, 30)
    given = spec(dtype="float32", layout="nchw", channels="rgb", mean=(30, 20, 10), std=(1, 2, 4))
    packed = pack_input(canvas, given)
    assert packed.shape == (1, 3, 32, 64)
    assert packed.dtype == np.float32
    assert not packed.any()
    assert pack_input(canvas + 4, given)[0, :, 0, 0].tolist() == [4, 2, 1]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_anything_but_a_colour_image_is_refused(image: Any) -> None:
    """Grey, four-channel, empty and float images are refused, with what they are."""
    with pytest.raises(ImageError, match=str(image.dtype)):
        check_image(image)

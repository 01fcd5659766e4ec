"""Which shot is better, in the order in which it is decided."""

import cv2
import numpy as np
import pytest

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.thumbnails.best_shot import framing_of, sharpness_steps_of

FRAME = (640, 480)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (((100, 100, 150, 200), 0.5), ((0, 100, 300, 400), 0.95)),
        (((100, 100, 150, 200), 0.5), ((500, 300, 640, 480), 0.95)),
        (((100, 100, 150, 200), 0.85), ((100, 100, 250, 400), 0.55)),
        (((100, 100, 160, 220), 0.62), ((100, 100, 150, 200), 0.78)),
    ],
)
def test_whole_beats_score_beats_size(better: tuple[PixelBox, float], worse: tuple[PixelBox, float]) -> None:
    """Not cut off by the border; then a clearly higher score; then a clearly larger area."""
    assert framing_of(*better, FRAME) > framing_of(*worse, FRAME)


def test_small_differences_are_none() -> None:
    """A score a little higher, a box a little larger: nothing to take another picture for."""
    assert framing_of((100, 100, 150, 200), 0.62, FRAME) == framing_of((100, 100, 150, 201), 0.71, FRAME)


def test_sharp_beats_blurred_at_any_size() -> None:
    """The same picture blurred is less sharp, and a smaller one is not sharp for being small."""
    grey = np.random.default_rng(3).integers(0, 256, (40, 30), np.uint8)
    sharp = np.repeat(np.repeat(np.stack([grey] * 3, axis=2), 8, axis=0), 8, axis=1)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 8).astype(np.uint8)
    assert sharpness_steps_of(sharp) > sharpness_steps_of(blurred)
    assert abs(sharpness_steps_of(sharp) - sharpness_steps_of(sharp[::2, ::2])) < 8

"""Which shot is better, in the order in which it is decided."""

import cv2
import numpy as np
import pytest

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.thumbnails.best_shot import compared, framing_of, is_sharper, is_worth_another, sharpness_of

FRAME = (640, 480)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (((100, 100, 150, 200), 0.5), ((0, 100, 300, 400), 0.95)),
        (((100, 100, 150, 200), 0.5), ((500, 300, 640, 480), 0.95)),
        (((100, 100, 150, 200), 0.85), ((100, 100, 250, 400), 0.55)),
        (((100, 100, 160, 220), 0.62), ((100, 100, 150, 200), 0.76)),
    ],
)
def test_whole_beats_score_beats_size(better: tuple[PixelBox, float], worse: tuple[PixelBox, float]) -> None:
    """Not cut off by the border; then a clearly higher score; then a clearly larger area."""
    assert compared(framing_of(*better, FRAME), framing_of(*worse, FRAME)) == 1
    assert compared(framing_of(*worse, FRAME), framing_of(*better, FRAME)) == -1


def test_larger_means_by_more_than_a_tenth() -> None:
    """Nine per cent more is not larger, wherever it lies; eleven are."""
    for side in (41, 50, 77, 103):
        kept = framing_of((100, 100, 100 + side, 200), 0.6, FRAME)
        assert compared(framing_of((100, 100, 100 + side, 209), 0.6, FRAME), kept) == 0
        assert compared(framing_of((100, 100, 100 + side, 211), 0.6, FRAME), kept) == 1


def test_score_cannot_fall_step_by_step() -> None:
    """Shots that are each larger and a little less sure are compared with the surest of those that they replaced."""
    kept = framing_of((100, 100, 150, 200), 0.9, FRAME)
    larger = framing_of((100, 100, 160, 230), 0.8, FRAME)
    assert compared(larger, kept) == 1
    largest = framing_of((100, 100, 200, 300), 0.7, FRAME)
    assert compared(largest, larger.after(kept)) == -1
    assert compared(largest, larger) == 1


@pytest.mark.parametrize(
    ("shot", "score", "sharpness", "is_worth"),
    [
        ((100, 100, 148, 200), 0.7, 100.0, False),
        ((100, 100, 160, 200), 0.7, 100.0, True),
        ((100, 100, 140, 200), 0.7, 140.0, False),
        ((100, 100, 140, 200), 0.7, 150.0, True),
        ((100, 100, 140, 200), 0.86, 100.0, True),
        ((0, 100, 140, 300), 0.9, 900.0, False),
    ],
)
def test_second_picture_is_larger_or_sharper_by_half_or_surer(
    shot: PixelBox, score: float, sharpness: float, *, is_worth: bool
) -> None:
    """What is sent again shows clearly more than what was sent; one that is cut off never does."""
    sent = framing_of((100, 100, 140, 200), 0.7, FRAME)
    assert is_worth_another(framing_of(shot, score, FRAME), sharpness, sent, 100.0) == is_worth
    cut = framing_of((0, 100, 140, 300), 0.9, FRAME)
    if shot[0] > 0:
        assert is_worth_another(framing_of(shot, score, FRAME), sharpness, cut, 900.0)


def test_sharp_beats_blurred_at_any_size() -> None:
    """The same picture blurred is less sharp, and a smaller one is not sharp for being small."""
    grey = np.random.default_rng(3).integers(0, 256, (40, 30), np.uint8)
    sharp = np.repeat(np.repeat(np.stack([grey] * 3, axis=2), 8, axis=0), 8, axis=1)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 8).astype(np.uint8)
    assert is_sharper(sharpness_of(sharp), sharpness_of(blurred))
    assert not is_sharper(sharpness_of(blurred), sharpness_of(sharp))
    assert 0.2 < sharpness_of(sharp) / sharpness_of(sharp[::2, ::2]) < 5

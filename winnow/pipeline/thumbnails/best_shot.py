"""Which of two shots of an object is the better one."""

import math
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox

SCORE_STEP: Final = 0.2
"""Scores within one step are equally good: a detector's second decimal says nothing about a picture."""

AREA_STEP: Final = 1.1
"""A shot is larger if its area is by about a tenth."""

SHARPNESS_STEP: Final = 1.25

BORDER_PX: Final = 2.0
"""A box that comes closer to the frame's border is probably cut off by it."""

_SHARPNESS_SIDE_PX: Final = 96
"""Sharpness is compared at one size: a small crop is not sharp because it is small."""


class Framing(NamedTuple):
    """What the box alone tells; the greater one is better, the first that differs decides."""

    is_whole: bool
    score_steps: int
    area_steps: int


class Quality(NamedTuple):
    """How good a shot is; the greater one is better."""

    framing: Framing
    sharpness_steps: int


def framing_of(box: PixelBox, score: float, frame_size: tuple[int, int]) -> Framing:
    """Return the quality of a shot as far as it is known without its pixels."""
    x1, y1, x2, y2 = box
    width, height = frame_size
    margin = min(x1, y1, width - x2, height - y2)
    area = max((x2 - x1) * (y2 - y1), 1.0)
    return Framing(
        is_whole=margin >= BORDER_PX,
        score_steps=math.floor(score / SCORE_STEP),
        area_steps=math.floor(math.log(area, AREA_STEP)),
    )


def sharpness_steps_of(bgr: NDArray[np.uint8]) -> int:
    """Return how sharp an image is, in steps of `SHARPNESS_STEP`.

    Source: variance of the Laplacian; Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.
    """
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, (_SHARPNESS_SIDE_PX, _SHARPNESS_SIDE_PX), interpolation=cv2.INTER_AREA)
    variance = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return math.floor(math.log(variance + 1.0, SHARPNESS_STEP))

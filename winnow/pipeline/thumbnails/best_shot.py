"""Which of two shots of an object is the better one.

Theory: two shots are compared, not sorted into bins, so that a shot which is 9 % larger is never "clearly larger" for
lying on the other side of a bin's edge. The first of these that differs clearly decides:

    not cut off by the frame's border > score > area > sharpness

Pairwise comparison could wander: each shot a little larger than the last and a little less sure. So scores are compared
with the best one of the shots kept so far, which a chain of replacements cannot lower.
"""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox

SCORE_MARGIN: Final = 0.15
"""Scores that differ by less are equally good: a detector's second decimal says nothing about a picture."""

AREA_MARGIN: Final = 1.1
"""A shot is larger if its area is by more than a tenth."""

SHARPNESS_MARGIN: Final = 1.25
"""Ratio of the variances of two Laplacians below which neither picture is the sharper one."""

AGAIN_LARGER: Final = 1.5
AGAIN_SHARPER: Final = 1.5
"""An object's second picture takes as much of the link as ten events. It is sent if it shows clearly more than the
first: larger or sharper by half, or what makes any shot the better one."""

BORDER_PX: Final = 2.0
"""A box that comes closer to the frame's border is probably cut off by it."""

_SHARPNESS_SIDE_PX: Final = 96
"""Sharpness is compared at one size: a small crop is not sharp because it is small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """What the box alone tells of a shot.

    Attributes:
        is_whole: the border does not cut it off.
        score: of the detection.
        reference_score: what later scores are compared with: the best of the shots that this one took the place of.
        area_px: of the box.
    """

    is_whole: bool
    score: float
    reference_score: float
    area_px: float

    def after(self, kept: "Framing") -> "Framing":
        """Return this framing as the one that takes the place of `kept`."""
        if self.is_whole != kept.is_whole:
            return self
        return replace(self, reference_score=max(self.score, kept.reference_score))


def framing_of(box: PixelBox, score: float, frame_size: tuple[int, int]) -> Framing:
    """Return what a box tells of a shot without its pixels."""
    x1, y1, x2, y2 = box
    width, height = frame_size
    gap = min(x1, y1, width - x2, height - y2)
    area = max((x2 - x1) * (y2 - y1), 1.0)
    return Framing(is_whole=gap >= BORDER_PX, score=score, reference_score=score, area_px=area)


def compared(shot: Framing, kept: Framing) -> int:
    """Return 1 if `shot` is framed better than the one kept, -1 if worse, 0 if sharpness has to decide."""
    if shot.is_whole != kept.is_whole:
        return 1 if shot.is_whole else -1
    gain = shot.score - kept.reference_score
    if abs(gain) > SCORE_MARGIN:
        return 1 if gain > 0 else -1
    if shot.area_px > kept.area_px * AREA_MARGIN:
        return 1
    return -1 if shot.area_px * AREA_MARGIN < kept.area_px else 0


def is_sharper(sharpness: float, kept: float) -> bool:
    """Return whether a shot is clearly sharper than the one kept."""
    return sharpness > kept * SHARPNESS_MARGIN


def is_worth_another(shot: Framing, sharpness: float, sent: Framing, sent_sharpness: float) -> bool:
    """Return whether a shot shows so much more than the one that was sent that it is sent as well."""
    if shot.is_whole != sent.is_whole:
        return shot.is_whole
    is_surer = shot.score > sent.score + SCORE_MARGIN
    return is_surer or shot.area_px >= AGAIN_LARGER * sent.area_px or sharpness >= AGAIN_SHARPER * sent_sharpness


def sharpness_of(bgr: NDArray[np.uint8]) -> float:
    """Return how sharp an image is: more is sharper, at least 1.

    Source: variance of the Laplacian; Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.
    """
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    grey = cv2.resize(grey, (_SHARPNESS_SIDE_PX, _SHARPNESS_SIDE_PX), interpolation=cv2.INTER_AREA)
    variance = float(cv2.Laplacian(grey, cv2.CV_64F).var())
    return variance + 1.0

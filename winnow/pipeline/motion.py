"""Where a picture differs from what the camera usually shows, told cheaply enough to ask of every sampled frame.

The luma plane is thinned out to about 120 rows by taking every n-th pixel, so no scaler runs and no pixel is converted.
Each of its pixels is compared with a background that follows it by one grey level a picture: in time that is the
pixel's median, which somebody who walks past does not move, and which forgets a ghost at the pace at which it learns a
parked car. Connected areas that differ are regions.

Source of the background model: Manzanera and Richefeu, A robust and computationally efficient motion detection
algorithm based on Sigma-Delta background estimation, ICVGIP 2004, without its second, adaptive threshold.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from winnow.pipeline.settings import MotionSettings

GATE_HEIGHT_PX: Final = 120
"""Rows of the thinned picture, about: a person of 5 % of the frame's height still has 6 of them."""

GLOBAL_CHANGE: Final = 0.8
"""From this share of changed pixels on the light changed, not something in the scene."""

_JOIN_PX: Final = 3
"""Pieces of one body that are up to two thinned pixels apart are joined to one region."""

Region = tuple[float, float, float, float]
"""x, y, width, height in 0..1 of the full frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What moves in one picture.

    Attributes:
        regions: boxes around connected areas of change, largest first.
        changed_fraction: share of the unmasked pixels that differ from the background, 0..1.
        is_global_change: the picture as a whole is new (the first one, lights, an infrared switch), so that single
            regions mean nothing; it was learnt as the new background.
    """

    regions: tuple[Region, ...]
    changed_fraction: float
    is_global_change: bool


class MotionGate:
    """The background of one camera, and what differs from it.

    The answers depend on the pictures and the settings alone.
    """

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._background: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._watched: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._watched_pixels = 0
        self._join = np.ones((_JOIN_PX, _JOIN_PX), np.uint8)
        self._size: tuple[int, ...] = ()

    def update(self, luma: NDArray[np.uint8]) -> Motion:
        """Return what moves in `luma` (height, width), and learn the picture.

        A picture of another size than the one before is a global change.
        """
        thinned = _thin_out(luma)
        if luma.shape != self._size:
            self._size = luma.shape
            return self._learn_anew(thinned, changed_fraction=1.0)
        difference = cv2.absdiff(thinned, self._background)
        changed = cv2.bitwise_and(
            cv2.threshold(difference, self._settings.threshold - 1, 255, cv2.THRESH_BINARY)[1], self._watched
        )
        changed_fraction = cv2.countNonZero(changed) / max(self._watched_pixels, 1)
        if changed_fraction > GLOBAL_CHANGE:
            return self._learn_anew(thinned, changed_fraction)
        joined = cv2.dilate(changed, self._join)
        self._learn(thinned)
        return Motion(regions=self._regions(changed, joined), changed_fraction=changed_fraction, is_global_change=False)

    def _regions(self, changed: MatLike, joined: MatLike) -> tuple[Region, ...]:
        """Return the boxes of all joined areas that hold enough changed pixels."""
        height, width = changed.shape
        min_pixels = self._settings.min_area * height * width
        found: list[tuple[int, Region]] = []
        contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        for contour in contours:
            x, y, w, h = cv2.boundingRect(contour)
            pixels = cv2.countNonZero(changed[y : y + h, x : x + w]) if w * h >= min_pixels else 0
            if pixels >= min_pixels:
                found.append((pixels, (x / width, y / height, w / width, h / height)))
        found.sort(reverse=True)
        return tuple(region for _, region in found)

    def _learn(self, thinned: NDArray[np.uint8]) -> None:
        """Move each background pixel by one grey level towards the picture."""
        too_dark = (thinned > self._background).view(np.uint8)
        too_bright = (thinned < self._background).view(np.uint8)
        self._background += too_dark
        self._background -= too_bright

    def _learn_anew(self, thinned: NDArray[np.uint8], changed_fraction: float) -> Motion:
        if thinned.shape != self._watched.shape:
            self._watched = _watched_area(thinned.shape[0], thinned.shape[1], self._settings)
            self._watched_pixels = cv2.countNonZero(self._watched)
        self._background = thinned.copy()  # a small picture is thinned to itself, a view of the decoder's buffer
        return Motion(regions=(), changed_fraction=changed_fraction, is_global_change=True)


def _thin_out(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(1, round(luma.shape[0] / GATE_HEIGHT_PX))
    return np.ascontiguousarray(luma[step // 2 :: step, step // 2 :: step])


def _watched_area(height: int, width: int, settings: MotionSettings) -> NDArray[np.uint8]:
    """Return 255 for every pixel outside all masks, 0 inside."""
    watched = np.full((height, width), 255, np.uint8)
    for polygon in settings.masks:
        corners = np.rint(np.array(polygon) * (width, height)).astype(np.int32)
        cv2.fillPoly(watched, [corners], (0,))
    return watched

"""From changed pixels to boxes around what moves."""

from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

Region = tuple[float, float, float, float]
"""x, y, width, height in 0..1 of the full frame."""

SUDDEN_AREA: Final = 0.0015
"""What changes by this share of the frame counts at once. Anything smaller must have been there in the picture before:
something so small is so far away that it moves by less than its own size from picture to picture; a drop of rain is
gone."""

SUPPORT: Final = 0.5
"""The share of a small area's changed pixels that must have been changed, or beside a changed one, in the picture
before."""

_JOIN: Final = np.ones((3, 3), np.uint8)
"""Pieces of one body that are up to two thinned pixels apart are joined to one region."""

_SMOOTH_PX: Final = 3
"""A pixel counts where most of the 3 × 3 around it changed: lines one pixel wide (rain, wires) and specks do not."""


class RegionFinder:
    """Boxes around connected areas of change, with a memory of one picture.

    Args:
        min_area: smallest changed area that counts, as a share of the frame; may be changed between two pictures.
    """

    def __init__(self, min_area: float) -> None:
        self.min_area = min_area
        self._before: MatLike | None = None

    def forget(self) -> None:
        """Know nothing of the picture before."""
        self._before = None

    def find(self, changed: MatLike) -> tuple[Region, ...]:
        """Return the boxes, largest area of change first; `changed` (height, width) is 255 where a pixel changed."""
        solid = cv2.medianBlur(changed, _SMOOTH_PX)
        before, self._before = self._before, None
        if not cv2.countNonZero(solid):
            return ()
        self._before = joined = cv2.dilate(solid, _JOIN)
        _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_16U)
        pixels = _count(labels, solid, len(boxes))
        supported = (
            np.zeros_like(pixels) if before is None else _count(labels, cv2.bitwise_and(solid, before), len(boxes))
        )
        size = changed.shape[0] * changed.shape[1]
        counts = (pixels >= self.min_area * size) & (
            (pixels >= SUDDEN_AREA * size) | (supported >= np.maximum(SUPPORT * pixels, 1))
        )
        counts[0] = False  # label 0 is what did not change
        chosen = np.flatnonzero(counts)
        chosen = chosen[np.argsort(-pixels[chosen], kind="stable")]
        return tuple(_region(boxes[label].tolist(), changed.shape) for label in chosen)


def _count(labels: MatLike, where: MatLike, length: int) -> NDArray[np.intp]:
    """Return how many pixels of `where` each label has."""
    return np.bincount(labels[where != 0], minlength=length)


def _region(box: list[int], shape: tuple[int, ...]) -> Region:
    x, y, box_width, box_height, _ = box
    height, width = shape
    return x / width, y / height, box_width / width, box_height / height

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

HELD: Final = 0.5
"""What was a region in the picture before stays one down to this share of the smallest area."""

_JOIN: Final = np.ones((3, 3), np.uint8)
"""Pieces of one body that are up to two thinned pixels apart are joined to one region."""

_AROUND: Final = (3, 3)
_THREE_OF_NINE: Final = 255 * 3.5 / 9
"""A changed pixel counts where more than three of the 3 × 3 around it changed: lines one pixel wide (rain, wires) and
specks do not. The mean of such nine, 0 or 255 each, is above this."""


class RegionFinder:
    """Boxes around connected areas of change, with a memory of one picture.

    Args:
        min_area: smallest changed area that counts, as a share of the frame; may be changed between two pictures.
    """

    def __init__(self, min_area: float) -> None:
        self.min_area = min_area
        self._changed_before: MatLike | None = None
        self._shown_before: MatLike | None = None

    def forget(self) -> None:
        """Know nothing of the picture before."""
        self._changed_before = self._shown_before = None

    def find(self, changed: MatLike, *, is_long_step: bool = False) -> tuple[Region, ...]:
        """Return the boxes, largest area of change first.

        Args:
            changed: 255 where a pixel changed; (height, width).
            is_long_step: the picture before is too old to ask it where something small was.
        """
        _, dense = cv2.threshold(cv2.blur(changed, _AROUND), _THREE_OF_NINE, 255, cv2.THRESH_BINARY)
        solid = cv2.bitwise_and(dense, changed)
        if not cv2.countNonZero(solid):
            self.forget()
            return ()
        joined = cv2.dilate(solid, _JOIN)
        _, labels, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8, ltype=cv2.CV_16U)
        pixels = _count(labels, solid, len(boxes))
        counts = self._is_region(labels, solid, pixels, is_long_step=is_long_step)
        self._changed_before = joined
        self._shown_before = (counts * np.uint8(255))[labels] if counts.any() else None
        chosen = np.flatnonzero(counts)
        chosen = chosen[np.argsort(-pixels[chosen], kind="stable")]
        return tuple(_region(boxes[label].tolist(), changed.shape) for label in chosen)

    def _is_region(
        self, labels: MatLike, solid: MatLike, pixels: NDArray[np.intp], *, is_long_step: bool
    ) -> NDArray[np.bool_]:
        """Return for each label whether it is one; label 0 is what did not change."""
        area, needed = pixels / solid.size, np.maximum(SUPPORT * pixels, 1)
        is_region = area >= self.min_area
        if self._changed_before is None and not is_long_step:
            is_region &= area >= SUDDEN_AREA
        elif self._changed_before is not None and not is_long_step:
            was_changed = _count(labels, cv2.bitwise_and(solid, self._changed_before), len(pixels)) >= needed
            is_region &= (area >= SUDDEN_AREA) | was_changed
        if self._shown_before is not None:
            was_shown = _count(labels, cv2.bitwise_and(solid, self._shown_before), len(pixels)) >= needed
            is_region |= (area >= HELD * self.min_area) & was_shown
        is_region[0] = False
        return np.asarray(is_region, np.bool_)


def _count(labels: MatLike, where: MatLike, length: int) -> NDArray[np.intp]:
    """Return how many pixels of `where` each label has."""
    return np.bincount(labels[where != 0], minlength=length)


def _region(box: list[int], shape: tuple[int, ...]) -> Region:
    x, y, box_width, box_height, _ = box
    height, width = shape
    return x / width, y / height, box_width / width, box_height / height

"""The motion gate of one camera: thin the picture out, compare it with the background, find regions.

The luma plane is thinned out to at most 160 rows by taking every n-th pixel, so no scaler runs and no pixel is
converted.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.motion.background import Background
from winnow.pipeline.motion.regions import Region, RegionFinder
from winnow.pipeline.settings import MotionSettings

GATE_HEIGHT_PX: Final = 160
"""Most rows of the thinned picture: somebody 60 pixels high in a picture of 1080 still has 8 of them."""

GLOBAL_CHANGE: Final = 0.8
"""From this share of changed pixels on the light changed, not something in the scene."""


LONG_STEP_S: Final = Fraction(1, 2)
"""After a longer step since the picture before, somebody small and far away is no longer where they were in it, so
that it says nothing about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """What moves in one picture.

    Attributes:
        regions: boxes around connected areas of change, largest first. Each of them holds at least
            `MotionSettings.min_area` of changed pixels outside the masks (half of that where there was a region in the
            picture before), and reaches at most one thinned pixel (about a 150th of the frame's height) beyond them.
            Something that moves by itself and differs enough from what it hides is inside one of them, whole or where
            it differs, from the second picture on that shows it; several things close to each other share one.
            Something that stands still leaves them as the background learns it.
        changed_fraction: share of the unmasked pixels that differ from the background, 0..1; in a light that changed,
            of those before it was corrected.
        is_global_change: the picture as a whole is new (the first one, lights, an infrared switch) and was learnt as
            the new background. Regions are what moves besides, if the light alone changed, else there are none.
    """

    regions: tuple[Region, ...]
    changed_fraction: float
    is_global_change: bool


class MotionGate:
    """What one camera usually shows, and what differs from it.

    The answers depend on the pictures and the settings alone.
    """

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._strictness = 1.0
        self._finder = RegionFinder(settings.min_area)
        self._background: Background | None = None
        self._size: tuple[int, ...] = ()
        self._last_s: Fraction | None = None

    def relearn(self) -> None:
        """Take the next picture as a first one: what was known of the scene no longer holds."""
        self._background = None
        self._finder.forget()

    def be_strict(self, factor: float) -> None:
        """Ask from now on for `factor` times the difference and the area that the settings ask for; 1 is as set."""
        self._strictness = factor
        self._finder.min_area = self._settings.min_area * factor
        if self._background is not None:
            self._background.floor = self._floor

    @property
    def _floor(self) -> int:
        return min(255, round(self._settings.threshold * self._strictness))

    def update(self, luma: NDArray[np.uint8], at_s: Fraction | None = None) -> Motion:
        """Return what moves in `luma` (height, width), and learn the picture.

        A picture of another size than the one before is a global change. Without the stream time `at_s`, pictures count
        as close to each other.
        """
        is_long_step = at_s is not None and self._last_s is not None and at_s - self._last_s > LONG_STEP_S
        self._last_s = at_s
        thinned = _thin_out(luma)
        if self._background is None or luma.shape != self._size:
            self._size = luma.shape
            self._background = Background(
                thinned, _watched_area(thinned.shape[0], thinned.shape[1], self._settings), self._floor
            )
            return self._nothing_known(changed_fraction=1.0)
        changed, changed_fraction = self._background.compare(thinned)
        is_global_change = changed_fraction > GLOBAL_CHANGE
        if is_global_change and cv2.countNonZero(changed) > GLOBAL_CHANGE / 2 * changed.size:
            self._background.learn_anew(thinned)
            return self._nothing_known(changed_fraction)
        return Motion(
            regions=self._finder.find(changed, is_long_step=is_long_step),
            changed_fraction=changed_fraction,
            is_global_change=is_global_change,
        )

    def _nothing_known(self, changed_fraction: float) -> Motion:
        self._finder.forget()
        return Motion(regions=(), changed_fraction=changed_fraction, is_global_change=True)


def _thin_out(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    step = max(1, -(-luma.shape[0] // GATE_HEIGHT_PX))
    return np.ascontiguousarray(luma[step // 2 :: step, step // 2 :: step])


def _watched_area(height: int, width: int, settings: MotionSettings) -> NDArray[np.uint8]:
    """Return 255 for every pixel outside all masks, 0 inside."""
    watched = np.full((height, width), 255, np.uint8)
    for polygon in settings.masks:
        corners = np.rint(np.array(polygon) * (width, height)).astype(np.int32)
        cv2.fillPoly(watched, [corners], (0,))
    return watched

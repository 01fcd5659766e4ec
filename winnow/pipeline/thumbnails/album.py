"""The best shot of each open object."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import ThumbnailSettings
from winnow.pipeline.thumbnails.best_shot import Quality, framing_of, sharpness_steps_of
from winnow.pipeline.thumbnails.encode import encode_jpeg
from winnow.pipeline.thumbnails.redaction import RedactedImage, Redactor, Region

EARLY_AFTER_S: Final = 1
"""How long after its start the early picture of an object is sent: time for a better shot than the very first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture that may leave the box; `at_s` is the stream time at which it was taken."""

    at_s: Fraction
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    at_s: Fraction
    quality: Quality
    image: RedactedImage


class Album:
    """Keeps one redacted shot an object; a frame's own pixels are never kept."""

    def __init__(self, settings: ThumbnailSettings, *, frame_size: tuple[int, int]) -> None:
        self._settings = settings
        self._frame_size = frame_size
        self._redactor = Redactor(settings.redaction, settings.masks)
        self._kept: dict[int, _Kept] = {}
        self._early_due_s: dict[int, Fraction] = {}

    def open(self, track: int, at_s: Fraction) -> None:
        """Begin to look for shots of an object that started at `at_s`."""
        if self._redactor.gives_images:
            self._early_due_s[track] = at_s + EARLY_AFTER_S

    def offer(  # noqa: PLR0913 - what a shot is made of
        self,
        track: int,
        *,
        at_s: Fraction,
        box: PixelBox,
        score: float,
        bgr: Callable[[], NDArray[np.uint8]],
        people: Sequence[PixelBox],
    ) -> None:
        """Keep this shot of the object if it is better than the one kept.

        Args:
            track: the object's number.
            at_s: stream time of the frame.
            box: the object, pixels.
            score: of its detection.
            bgr: the frame's pixels; asked for only if the shot may be better.
            people: boxes of every person in the frame, however unsure.
        """
        if not self._redactor.gives_images:
            return
        kept = self._kept.get(track)
        framing = framing_of(box, score, self._frame_size)
        if kept is not None and framing < kept.quality.framing:
            return
        image = self._redactor.crop(bgr(), _with_margin(box, self._settings.margin), people)
        if image is None:
            return
        quality = Quality(framing=framing, sharpness_steps=sharpness_steps_of(image.bgr))
        if kept is None or quality > kept.quality:
            self._kept[track] = _Kept(at_s=at_s, quality=quality, image=image)

    def early(self, track: int, at_s: Fraction) -> Shot | None:
        """Return the early picture of the object if it is due; once."""
        due_s = self._early_due_s.get(track)
        if due_s is None or at_s < due_s:
            return None
        del self._early_due_s[track]
        return self._developed(self._kept.get(track))

    def close(self, track: int) -> Shot | None:
        """Return the best picture of an object that ended; keep nothing of it."""
        self._early_due_s.pop(track, None)
        return self._developed(self._kept.pop(track, None))

    def _developed(self, kept: _Kept | None) -> Shot | None:
        if kept is None:
            return None
        settings = self._settings
        jpeg = encode_jpeg(kept.image, max_side_px=settings.max_side_px, max_bytes=settings.max_bytes)
        return Shot(at_s=kept.at_s, jpeg=jpeg)


def _with_margin(box: PixelBox, margin: float) -> Region:
    x1, y1, x2, y2 = box
    side, above = margin * (x2 - x1), margin * (y2 - y1)
    return math.floor(x1 - side), math.floor(y1 - above), math.ceil(x2 + side), math.ceil(y2 + above)

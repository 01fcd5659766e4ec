"""A picture of the whole scene that somebody asked for: redacted and encoded like any thumbnail."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import ThumbnailSettings
from winnow.pipeline.thumbnails.encode import encode_jpeg
from winnow.pipeline.thumbnails.redaction import Redactor


def take_snapshot(bgr: NDArray[np.uint8], people: Sequence[PixelBox], settings: ThumbnailSettings) -> bytes | None:
    """Return the frame as a JPEG within the camera's limits for thumbnails; None if it gives no images.

    Args:
        bgr: uint8 (height, width, 3); neither kept nor changed.
        people: boxes of every person in the frame, however unsure, in pixels.
        settings: the camera's.
    """
    height, width = bgr.shape[:2]
    image = Redactor(settings.redaction, settings.masks).crop(bgr, (0, 0, width, height), people)
    if image is None:
        return None
    return encode_jpeg(image, max_side_px=settings.max_side_px, max_bytes=settings.max_bytes, quality=settings.quality)

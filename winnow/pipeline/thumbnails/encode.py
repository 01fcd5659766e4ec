"""The one way from pixels to bytes."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.thumbnails.redaction import RedactedImage

QUALITIES: Final = (85, 75, 65, 55, 45, 35)
"""JPEG qualities that are tried, best first; below the last a smaller picture looks better than a worse one."""

SHRINK: Final = 0.8
"""Factor on both sides when no quality is enough."""


def encode_jpeg(image: RedactedImage, *, max_side_px: int, max_bytes: int) -> bytes:
    """Return the image as a JPEG that keeps both limits: size gives way when quality alone is not enough."""
    pixels = _shrunk(image.bgr, min(1.0, max_side_px / max(image.bgr.shape[:2])))
    while True:
        for quality in QUALITIES:
            jpeg = _encoded(pixels, quality)
            if len(jpeg) <= max_bytes:
                return jpeg
        if max(pixels.shape[:2]) == 1:
            raise ValueError(f"max_bytes: {max_bytes} bytes hold no JPEG at all")
        pixels = _shrunk(pixels, SHRINK)


def _encoded(pixels: NDArray[np.uint8], quality: int) -> bytes:
    done, encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:  # pragma: no cover - a valid uint8 image always encodes
        raise AssertionError("OpenCV refused an image")
    return encoded.tobytes()


def _shrunk(pixels: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    if factor >= 1:
        return pixels
    height, width = pixels.shape[:2]
    size = max(int(width * factor), 1), max(int(height * factor), 1)
    smaller: NDArray[np.uint8] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return smaller

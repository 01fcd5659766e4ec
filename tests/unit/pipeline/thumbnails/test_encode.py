"""JPEGs without what no reader needs."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from winnow.pipeline.thumbnails.encode import _encoded


def test_jpeg_without_its_jfif_segment_has_the_same_pixels() -> None:
    """18 bytes less than OpenCV writes; OpenCV and Pillow read the same colours out of it."""
    pixels = np.random.default_rng(1).integers(0, 256, (40, 24, 3), dtype=np.uint8)
    plain = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 40, cv2.IMWRITE_JPEG_OPTIMIZE, 1])[1].tobytes()
    jpeg = _encoded(pixels, 40)
    assert len(plain) - len(jpeg) == 18
    assert b"JFIF" not in jpeg
    for read in (_by_opencv, _by_pillow):
        assert np.array_equal(read(jpeg), read(plain))


def _by_opencv(jpeg: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(np.uint8)


def _by_pillow(jpeg: bytes) -> NDArray[np.uint8]:
    return np.array(Image.open(io.BytesIO(jpeg)).convert("RGB"), np.uint8)

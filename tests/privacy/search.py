"""Looks for known pixels in anything: every JPEG in a heap of bytes, and pixels that nobody encoded.

The statistic is the normalised correlation of a reference patch with the image at every place of it. Patches are 32 x
32 pixels of independent 2 x 2 cells: 256 cells. By chance, a correlation beyond 0.4 (6 standard deviations of 1/16)
comes once in 5e8 places; an image has 5e4. An unredacted patch gives more than 0.8 at JPEG quality 90.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

FOUND: Final = 0.5
SIDE_PX: Final = 32

LEAST_DEVIATION: Final = 4.0
"""Grey levels. The pattern has 35; a flat grey has none and correlates with nothing, or by rounding with everything."""

_SMOOTH_PX: Final = 9
"""What is slower than this is no pattern: shades of clothes and walls would correlate with each other."""

_NUMBERS: Final = re.compile(rb"(?:\b\d{1,3}\b[\s,\[\]]+){32,}")
"""Pixels as text: how an array prints."""

_ROW_BYTES: Final = 24


def jpegs_in(heap: bytes) -> Iterator[NDArray[np.uint8]]:
    """Decode whatever begins like a JPEG, also where its end is missing or something else follows."""
    position = heap.find(b"\xff\xd8\xff")
    while position >= 0:
        decoded = cv2.imdecode(np.frombuffer(heap, np.uint8, offset=position, count=-1)[: 64 * 1024], cv2.IMREAD_COLOR)
        if decoded is not None:
            yield np.asarray(decoded, np.uint8)
        position = heap.find(b"\xff\xd8\xff", position + 3)


def patches_of(grey: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Cut a region (height, width) into patches, at most overlapping by what does not divide evenly."""
    height, width = grey.shape
    tops = sorted({*range(0, height - SIDE_PX + 1, SIDE_PX), height - SIDE_PX})
    lefts = sorted({*range(0, width - SIDE_PX + 1, SIDE_PX), width - SIDE_PX})
    return [grey[top : top + SIDE_PX, left : left + SIDE_PX] for top in tops for left in lefts]


def strongest(images: Iterable[NDArray[np.uint8]], patches: Iterable[NDArray[np.uint8]]) -> float:
    """Return the largest correlation of any patch with any place of any image; 0 if there is nothing to compare."""
    references = [_without_shades(patch) for patch in patches]
    best = 0.0
    for image in images:
        if min(image.shape[:2]) < SIDE_PX:
            continue
        grey = _without_shades(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        has_pattern = _deviation(grey) > LEAST_DEVIATION
        for reference in references:
            found = cv2.matchTemplate(grey, reference, cv2.TM_CCOEFF_NORMED)
            best = max(best, float(found[has_pattern].max(initial=0.0)))
    return best


def holds_raw_pixels(heap: bytes, pictures: Iterable[NDArray[np.uint8]]) -> bool:
    """Return whether a piece of a row of a picture (grey or colour) is in the heap as it is in memory."""
    return any(row in heap for pixels in pictures for row in _rows(pixels))


def holds_printed_pixels(heap: bytes) -> bool:
    """Return whether 32 numbers of at most three digits stand in a row: nothing but an array prints so."""
    return _NUMBERS.search(heap) is not None


def _rows(pixels: NDArray[np.uint8]) -> Iterator[bytes]:
    for row in pixels[:: max(1, pixels.shape[0] // 8)]:
        yield row.reshape(-1)[:_ROW_BYTES].tobytes()


def _deviation(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the deviation of the levels under each place of a patch."""
    kernel = np.full((SIDE_PX, SIDE_PX), 1 / SIDE_PX**2, np.float32)
    mean = cv2.matchTemplate(grey, kernel, cv2.TM_CCORR)
    square = cv2.matchTemplate(grey * grey, kernel, cv2.TM_CCORR)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)), np.float32)


def _without_shades(grey: object) -> NDArray[np.float32]:
    levels = np.asarray(grey, np.float32)
    return levels - cv2.blur(levels, (_SMOOTH_PX, _SMOOTH_PX))

"""What no image may show is taken out here, and nowhere else does an image come from.

Order matters: the scene's masks are filled first, so that pixelating beside one cannot smear its pixels outwards.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import Redaction

HEAD_OF_HEIGHT: Final = 0.25
HEAD_OF_WIDTH: Final = 0.7
"""The head region reaches down from the top of a person's box by a quarter of its height, twice a head, or where only
the upper body shows and the box is nearly as wide as high, by this share of its width."""

HEAD_ROOM: Final = 0.1
"""By how much of the box's width, and of the region's height upwards, the head region is larger than the box: boxes are
not exact."""

HEAD_BLOCKS: Final = 4
"""Blocks across the shorter side of a head region: some two by two of them fall on the face."""

PERSON_BLOCKS: Final = 6
"""Blocks across the shorter side of a whole person."""

MASK_GREY: Final = 96
"""What masked areas look like."""

Region = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels; x2 and y2 are not part of it."""

PartBgr = Callable[[Region], NDArray[np.uint8]]
"""Gives the pixels of a region of one frame. Its corners are even, but for the frame's own lower right one: two pixels
of a frame share their colour."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RedactedImage:
    """An image that may leave the box. Only `Redactor` makes one; a test holds that.

    Attributes:
        bgr: uint8 (height, width, 3), read-only, owned.
    """

    bgr: NDArray[np.uint8]


class Redactor:
    """Cuts crops out of one camera's frames and takes out of them what they must not show.

    Args:
        mode: see `ThumbnailSettings.redaction`.
        masks: polygons in 0..1 of the frame that no image shows.
    """

    def __init__(self, mode: Redaction, masks: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._mode = mode
        self._masks = [np.asarray(mask, np.float64) for mask in masks]

    @property
    def gives_images(self) -> bool:
        """Whether there will ever be an image."""
        return self._mode != "no-images"

    def crop(self, frame_bgr: NDArray[np.uint8], region: Region, people: Sequence[PixelBox]) -> RedactedImage | None:
        """Return a region of a frame without what it must not show; None if there are to be no images, or no pixels.

        Args:
            frame_bgr: uint8 (height, width, 3); neither kept nor changed.
            region: what to show; the part beyond the frame is left out.
            people: boxes of every person in the frame, however unsure.
        """
        height, width = frame_bgr.shape[:2]
        return self.crop_part(lambda part: part_of(frame_bgr, part), region, people, frame_size=(width, height))

    def crop_part(
        self, bgr: PartBgr, region: Region, people: Sequence[PixelBox], *, frame_size: tuple[int, int]
    ) -> RedactedImage | None:
        """Return the same as `crop`, for a frame of which no more pixels are asked for than the image shows.

        Args:
            bgr: returns a part of the frame, uint8 (height, width, 3); called only if there is to be an image.
            region: what to show; the part beyond the frame is left out.
            people: boxes of every person in the frame, however unsure.
            frame_size: width and height of the frame.
        """
        width, height = frame_size
        x1, y1, x2, y2 = clipped = _clipped(region, (0, 0, width, height))
        if not self.gives_images or x2 <= x1 or y2 <= y1:
            return None
        left, top = x1 // 2 * 2, y1 // 2 * 2
        even = (left, top, min(x2 + x2 % 2, width), min(y2 + y2 % 2, height))
        pixels = bgr(even)[y1 - top : y2 - top, x1 - left : x2 - left].copy()
        self._fill_masks(pixels, clipped, (width, height))
        for person in people:
            if not _may_reach(person, clipped):
                continue
            if self._mode == "heads":
                _pixelate(pixels, clipped, head_region(person), HEAD_BLOCKS)
            elif self._mode == "people":
                _pixelate(pixels, clipped, person_region(person), PERSON_BLOCKS)
        pixels.flags.writeable = False
        return RedactedImage(bgr=pixels)

    def _fill_masks(self, pixels: NDArray[np.uint8], region: Region, frame_size: tuple[int, int]) -> None:
        for mask in self._masks:
            corners = np.rint(mask * frame_size - region[:2]).astype(np.int32)
            grey = (MASK_GREY, MASK_GREY, MASK_GREY)
            cv2.fillPoly(pixels, [corners], grey)
            cv2.polylines(pixels, [corners], isClosed=True, color=grey, thickness=3)


def part_of(frame_bgr: NDArray[np.uint8], part: Region) -> NDArray[np.uint8]:
    """Return a view of a region of a frame."""
    x1, y1, x2, y2 = part
    return frame_bgr[y1:y2, x1:x2]


def head_region(person: PixelBox) -> Region:
    """Return where the head of a person is, with room to spare; it may reach beyond the frame."""
    x1, y1, x2, y2 = person
    width, height = x2 - x1, y2 - y1
    reach = min(max(HEAD_OF_HEIGHT * height, HEAD_OF_WIDTH * width), height)
    side = HEAD_ROOM * width
    return _outwards(x1 - side, y1 - HEAD_ROOM * reach, x2 + side, y1 + reach)


def person_region(person: PixelBox) -> Region:
    """Return where a whole person is, with room to spare; it may reach beyond the frame."""
    x1, y1, x2, y2 = person
    side, above = HEAD_ROOM * (x2 - x1), HEAD_ROOM * (y2 - y1)
    return _outwards(x1 - side, y1 - above, x2 + side, y2 + above)


def _may_reach(person: PixelBox, region: Region) -> bool:
    """Return False for somebody further from the region than their own size, as most of a street's people are."""
    x1, y1, x2, y2 = person
    width, height = x2 - x1, y2 - y1
    left, top, right, bottom = region
    return x1 - width < right and x2 + width > left and y1 - height < bottom and y2 + height > top


def _pixelate(pixels: NDArray[np.uint8], shown: Region, hidden: Region, blocks: int) -> None:
    """Average the hidden region in place, `blocks` across its shorter side, of which only `shown` is in `pixels`."""
    size = math.ceil(min(hidden[2] - hidden[0], hidden[3] - hidden[1]) / blocks)
    x1, y1, x2, y2 = _clipped(hidden, shown)
    if x2 <= x1 or y2 <= y1:
        return
    part = pixels[y1 - shown[1] : y2 - shown[1], x1 - shown[0] : x2 - shown[0]]
    columns, rows = math.ceil((x2 - x1) / size), math.ceil((y2 - y1) / size)
    coarse = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    part[:] = cv2.resize(coarse, (x2 - x1, y2 - y1), interpolation=cv2.INTER_NEAREST)


def _clipped(region: Region, limits: Region) -> Region:
    return (
        max(region[0], limits[0]),
        max(region[1], limits[1]),
        min(region[2], limits[2]),
        min(region[3], limits[3]),
    )


def _outwards(x1: float, y1: float, x2: float, y2: float) -> Region:
    return math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)

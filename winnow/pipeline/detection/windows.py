"""Parts of a frame that are worth a look: around what moves and around what is followed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

TALL_ENOUGH_PX: Final = 48
"""A person of this height in the model's input is found as well as a taller one. NanoDet-g on people of 77 px, scaled:
recall 0.91 at 54 px, 0.90 at 42 px, 0.86 at 30 px, 0.60 at 38 px where the width is halved on top of it."""

GROUP_SCALE: Final = 0.5
"""No area is shown smaller for being high: it may hold several people above each other."""

TALLEST_PX: Final = 208
"""But one thing needs no more than half of the input's height."""

MARGIN_SHARE: Final = 0.4
"""Room around an area on each side, as a share of its size: a little more than pictures need around an object."""

MARGIN_OF_FRAME: Final = 0.04
"""The least room, as a share of the frame's height: motion often shows in a part of a body only."""

MERGE_GAIN: Final = 1.15
"""Two windows become one if that takes at most this much more room in the model's input."""

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of the frame as the detector is to see it.

    Attributes:
        box: x1, y1, x2, y2 in whole pixels, even but for the frame's own borders; x2 and y2 are not part of it.
        scale: pixels of the model's input for one of the frame, at most 1.
    """

    box: tuple[int, int, int, int]
    scale: float

    def size_at(self, factor: float) -> tuple[int, int]:
        """Return width and height in the model's input if the scale is multiplied by `factor`."""
        x1, y1, x2, y2 = self.box
        scale = self.scale * factor
        return max(1, math.floor((x2 - x1) * scale)), max(1, math.floor((y2 - y1) * scale))


def windows_around(
    areas: Sequence[Box], frame_size: tuple[int, int], input_size: tuple[int, int]
) -> tuple[Window, ...]:
    """Return windows of which each area is in one, with room around it; near ones are joined.

    Args:
        areas: boxes of what moves and of what is followed; they may reach beyond the frame.
        frame_size: width and height in pixels.
        input_size: width and height of the model's input.
    """
    boxes = np.array([_with_margin(area, frame_size) for area in areas], np.float64).reshape(-1, 4)
    scales = np.array([_scale_of(y2 - y1) for _, y1, _, y2 in areas], np.float64)
    boxes, scales = _joined(boxes, scales, input_size)
    return tuple(
        Window(box=_evenly((x1, y1, x2, y2), frame_size), scale=scale)
        for (x1, y1, x2, y2), scale in zip(boxes.tolist(), scales.tolist(), strict=True)
    )


def _scale_of(height: float) -> float:
    """Return the scale at which an area of this height is shown."""
    scale = min(1.0, max(TALL_ENOUGH_PX / max(height, 1.0), GROUP_SCALE))
    return min(scale, TALLEST_PX / max(height, 1.0))


def _with_margin(area: Box, frame_size: tuple[int, int]) -> Box:
    """Return the area with room around it, within the frame; beside the frame, the part of the frame next to it."""
    width, height = frame_size
    x1, x2 = (min(max(x, 0.0), float(width)) for x in (area[0], area[2]))
    y1, y2 = (min(max(y, 0.0), float(height)) for y in (area[1], area[3]))
    least = MARGIN_OF_FRAME * height
    side, above = max(MARGIN_SHARE * (x2 - x1), least), max(MARGIN_SHARE * (y2 - y1), least)
    return max(x1 - side, 0.0), max(y1 - above, 0.0), min(x2 + side, float(width)), min(y2 + above, float(height))


def _joined(
    boxes: NDArray[np.float64], scales: NDArray[np.float64], input_size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Join the pair that saves most room, or costs least, until none is worth it."""
    while len(boxes) > 1:
        low = np.minimum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.maximum(boxes[:, None, 2:], boxes[None, :, 2:])
        scale = np.maximum(scales[:, None], scales[None, :])
        sides = (high - low) * scale[..., None]
        room = _room(boxes, scales)
        ratio = sides[..., 0] * sides[..., 1] / (room[:, None] + room[None, :])
        ratio[np.any(sides > input_size, axis=2)] = np.inf
        np.fill_diagonal(ratio, np.inf)
        first, second = divmod(int(ratio.argmin()), len(boxes))
        if ratio[first, second] > MERGE_GAIN:
            break
        boxes[first] = (*low[first, second], *high[first, second])
        scales[first] = scale[first, second]
        boxes, scales = np.delete(boxes, second, axis=0), np.delete(scales, second)
    return boxes, scales


def _room(boxes: NDArray[np.float64], scales: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = boxes[:, 2:] - boxes[:, :2]
    room: NDArray[np.float64] = sides[:, 0] * sides[:, 1] * scales**2
    return room


def _evenly(box: Box, frame_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the box in even pixels, outwards: two pixels of a frame share their colour."""
    x1, y1, x2, y2 = box
    width, height = frame_size
    return (
        math.floor(x1 / 2) * 2,
        math.floor(y1 / 2) * 2,
        min(math.ceil(x2 / 2) * 2, width),
        min(math.ceil(y2 / 2) * 2, height),
    )

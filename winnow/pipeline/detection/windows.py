"""Parts of a frame that are worth a look: around what moves and around what is followed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

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

Part = tuple[float, float, float, float, float]
"""x1, y1, x2, y2 in pixels of the frame, and the scale at which it is to be shown."""


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
    parts = [(*_with_margin(area, frame_size), _scale_of(area[3] - area[1])) for area in areas]
    return tuple(
        Window(box=_evenly((x1, y1, x2, y2), frame_size), scale=scale)
        for x1, y1, x2, y2, scale in _joined(parts, input_size)
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


def _joined(windows: list[Part], input_size: tuple[int, int]) -> list[Part]:
    """Join the pair that saves most room, or costs least, until none is worth it.

    Joining is a matter of a few windows in plain numbers; with arrays it took three times as long.
    """
    costs = {
        (first, second): _cost_of_joining(windows[first], windows[second], input_size)
        for second in range(len(windows))
        for first in range(second)
    }
    alive = dict(enumerate(windows))
    while costs:
        (first, second), cost = min(costs.items(), key=lambda item: item[1])
        if cost > MERGE_GAIN:
            break
        alive[first] = _join(alive[first], alive.pop(second))
        costs = {pair: cost for pair, cost in costs.items() if second not in pair}
        for other, part in alive.items():
            if other != first:
                pair = (min(first, other), max(first, other))
                costs[pair] = _cost_of_joining(alive[first], part, input_size)
    return list(alive.values())


def _join(first: Part, second: Part) -> Part:
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
        max(first[4], second[4]),
    )


def _cost_of_joining(first: Part, second: Part, input_size: tuple[int, int]) -> float:
    """Return how many times the room in the input of both windows their joined one takes."""
    ax1, ay1, ax2, ay2, a_scale = first
    bx1, by1, bx2, by2, b_scale = second
    # Asked of every pair: conditions take half the time of min and max.
    scale = max(b_scale, a_scale)
    across = ((max(bx2, ax2)) - (min(bx1, ax1))) * scale
    down = ((max(by2, ay2)) - (min(by1, ay1))) * scale
    if across > input_size[0] or down > input_size[1]:
        return math.inf
    apart = (ax2 - ax1) * (ay2 - ay1) * a_scale * a_scale + (bx2 - bx1) * (by2 - by1) * b_scale * b_scale
    return across * down / max(apart, 1.0)


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

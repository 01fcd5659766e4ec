"""Which parts of a frame fill which model inputs.

- Whole frame: one input for a small frame or one of about the input's shape, else squares that overlap, and the whole
  frame once more for what is wider than the overlap.
- Around areas: windows packed into one input if they fit without being shrunk much, else into more, up to `max_runs`.
- Too much for that, or as many inputs as the whole frame takes: the squares alone.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from winnow.detectors.card import ImageInput
from winnow.detectors.images import place_image
from winnow.pipeline.detection.packing import packed
from winnow.pipeline.detection.windows import GROUP_SCALE, Box, Window, windows_around

SQUEEZE: Final = 1.5
"""A frame whose shape differs from the input's by at most this factor is shown in one input. At 1.33 a squeezed model
finds as much as one with letterboxes; at 1.78 its recall of people 77 px high fell from 0.90 to 0.60."""

LEAST_OVERLAP: Final = 0.15
"""Of a square and the next one, as a share of its side."""

MOST_AREAS: Final = 32
"""With more, something is everywhere (rain, a flock, leaves), and planning would cost more than it saves."""

SHRINKING: Final = (1.0, 0.8)
"""Windows that do not fit may be shown this much smaller: people are then 38 px high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A part of the frame in a model input.

    Attributes:
        window: x1, y1, x2, y2 in whole pixels of the frame.
        place: left, top, width, height in pixels of the input.
    """

    window: tuple[int, int, int, int]
    place: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlan:
    """Where to look.

    Attributes:
        inputs: what each model input shows.
        is_whole_frame: no part of the frame is left out.
    """

    inputs: tuple[tuple[Tile, ...], ...]
    is_whole_frame: bool


def plan_whole_frame(frame_size: tuple[int, int], spec: ImageInput) -> LookPlan:
    """Return a plan that leaves nothing out and cuts nothing in two."""
    inputs = _squares(frame_size, spec)
    if len(inputs) > 1:
        inputs = (*inputs, (_whole(frame_size, spec),))
    return LookPlan(inputs=inputs, is_whole_frame=True)


def plan_look(areas: Sequence[Box], frame_size: tuple[int, int], spec: ImageInput, max_runs: int) -> LookPlan:
    """Return a plan that shows the areas in as few model inputs as possible.

    Args:
        areas: boxes of what moves and of what is followed, pixels; without any, or with very many, the whole frame is
            shown.
        frame_size: width and height of the frame.
        spec: the model's input.
        max_runs: model inputs at most, unless the whole frame needs more.
    """
    whole = _squares(frame_size, spec)
    runs_worth_it = max_runs if _scale_of(whole[0][0]) < GROUP_SCALE else min(max_runs, len(whole) - 1)
    if not 0 < len(areas) <= MOST_AREAS or not runs_worth_it:
        return LookPlan(inputs=whole, is_whole_frame=True)
    input_size = (spec.width, spec.height)
    windows = windows_around(areas, frame_size, input_size)
    for runs, factor in _tries(runs_worth_it):
        tiles = _packed(windows, input_size, runs, factor)
        if tiles is not None:
            return LookPlan(inputs=_with_the_room_used(tiles, frame_size, spec), is_whole_frame=False)
    return LookPlan(inputs=whole, is_whole_frame=True)


def _tries(max_runs: int) -> Iterator[tuple[int, float]]:
    for runs in range(1, max_runs + 1):
        for factor in SHRINKING:
            yield runs, factor


def _packed(
    windows: Sequence[Window], input_size: tuple[int, int], runs: int, factor: float
) -> tuple[tuple[Tile, ...], ...] | None:
    sizes = [window.size_at(factor) for window in windows]
    places = packed(sizes, input_size, runs)
    if places is None:
        return None
    inputs: list[list[Tile]] = [[] for _ in range(runs)]
    for window, size, place in zip(windows, sizes, places, strict=True):
        inputs[place.sheet].append(Tile(window=window.box, place=(place.left, place.top, *size)))
    return tuple(tuple(tiles) for tiles in inputs if tiles)


def _with_the_room_used(
    inputs: tuple[tuple[Tile, ...], ...], frame_size: tuple[int, int], spec: ImageInput
) -> tuple[tuple[Tile, ...], ...]:
    """Let a window that has an input for itself fill it: more is seen for the same run."""
    return tuple((_filling(tiles[0], frame_size, spec),) if len(tiles) == 1 else tiles for tiles in inputs)


def _filling(tile: Tile, frame_size: tuple[int, int], spec: ImageInput) -> Tile:
    scale = max(_scale_of(tile), _fitting_scale(frame_size, spec))
    x1, x2, width = _widened(tile.window[0], tile.window[2], spec.width, scale, frame_size[0])
    y1, y2, height = _widened(tile.window[1], tile.window[3], spec.height, scale, frame_size[1])
    return Tile(window=(x1, y1, x2, y2), place=(0, 0, width, height))


def _widened(low: int, high: int, room: int, scale: float, limit: int) -> tuple[int, int, int]:
    """Return the even stretch around low…high that fills `room` at `scale`, or the frame; and its length there."""
    length = max(min(math.floor(room / scale / 2) * 2, limit), high - low)
    start = min(max((low + high - length) // 4 * 2, 0), limit - length) // 2 * 2
    end = min(start + length, limit)
    return start, end, max(1, min(room, round((end - start) * scale)))


def _scale_of(tile: Tile) -> float:
    x1, y1, x2, y2 = tile.window
    return min(tile.place[2] / (x2 - x1), tile.place[3] / (y2 - y1))


def _fitting_scale(frame_size: tuple[int, int], spec: ImageInput) -> float:
    """Return the scale, at most 1, at which the frame fits into an input as it is."""
    return min(1.0, spec.width / frame_size[0], spec.height / frame_size[1])


def _squares(frame_size: tuple[int, int], spec: ImageInput) -> tuple[tuple[Tile, ...], ...]:
    width, height = frame_size
    shape = spec.width / spec.height
    squeeze = width / height / shape
    if 1 / SQUEEZE <= squeeze <= SQUEEZE:
        return ((_whole(frame_size, spec),),)
    scale = _fitting_scale(frame_size, spec)
    if scale >= GROUP_SCALE:
        return ((Tile(window=(0, 0, width, height), place=(0, 0, round(width * scale), round(height * scale))),),)
    if squeeze > 1:
        side = min(round(height * shape / 2) * 2, width)
        windows = [(start, 0, start + side, height) for start in _starts(width, side)]
    else:
        side = min(round(width / shape / 2) * 2, height)
        windows = [(0, start, width, start + side) for start in _starts(height, side)]
    return tuple((Tile(window=window, place=(0, 0, spec.width, spec.height)),) for window in windows)


def _starts(length: int, side: int) -> list[int]:
    """Return where stretches of `side` begin that cover `length` and overlap enough."""
    count = math.ceil((length / side - LEAST_OVERLAP) / (1 - LEAST_OVERLAP))
    return [index * (length - side) // (count - 1) // 2 * 2 for index in range(count - 1)] + [length - side]


def _whole(frame_size: tuple[int, int], spec: ImageInput) -> Tile:
    placement, inner = place_image(*frame_size, spec)
    return Tile(window=(0, 0, *frame_size), place=(placement.offset_x, placement.offset_y, *inner))

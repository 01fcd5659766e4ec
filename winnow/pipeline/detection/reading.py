"""From boxes on model inputs to objects in the frame.

A box belongs to the tile that its centre lies in. What touches a tile's border within the frame is cut: the window next
to it, or the next look, shows it whole. Windows overlap, so one thing may be found twice; the better box stays.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections
from winnow.pipeline.detection.look import Look
from winnow.pipeline.detection.planning import LookPlan, Tile

CUT_PX: Final = 3
"""A box that ends this close to a tile's border, in pixels of the input, is taken to go on beyond it."""

SAME_OVERLAP: Final = 0.6
"""Boxes of one class from two windows whose intersection over union is more are one thing."""

PART_SHARE: Final = 0.8
"""A box of which another window's box of the same class holds more than this share is a part of that thing."""

Rows = NDArray[np.bool_]


def read_look(plan: LookPlan, found: Sequence[Detections], frame_size: tuple[int, int]) -> Look:
    """Return what was found in the frame.

    Args:
        plan: what the model inputs showed.
        found: for each input, in pixels of the input.
        frame_size: width and height of the frame.
    """
    whole: list[Detections] = []
    cut: list[Detections] = []
    windows: list[tuple[float, ...]] = []
    for tiles, detections in zip(plan.inputs, found, strict=True):
        for tile in tiles:
            boxes = detections.boxes_xyxy
            is_whole = _centred_in(boxes, tile) & ~_is_cut(boxes, tile, frame_size)
            windows.append(_window(tile, frame_size))
            whole.append(_in_frame(_chosen(detections, is_whole), tile))
            in_part = ~is_whole & _reaching_into(boxes, tile)
            if in_part.any():
                cut.append(_in_frame(_chosen(detections, in_part), tile))
    return Look(
        detections=_without_doubles(whole) if len(whole) > 1 else whole[0],
        cut=_joined(cut)[0] if cut else Detections.empty(),
        windows_xyxy=np.array(windows, np.float64),
        is_whole_frame=plan.is_whole_frame,
    )


def _centred_in(boxes: NDArray[np.float32], tile: Tile) -> Rows:
    left, top, width, height = tile.place
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside: Rows = np.all((centres >= (left, top)) & (centres < (left + width, top + height)), axis=1)
    return inside


def _reaching_into(boxes: NDArray[np.float32], tile: Tile) -> Rows:
    left, top, width, height = tile.place
    reaching: Rows = np.all((boxes[:, :2] < (left + width, top + height)) & (boxes[:, 2:] > (left, top)), axis=1)
    return reaching


def _is_cut(boxes: NDArray[np.float32], tile: Tile, frame_size: tuple[int, int]) -> Rows:
    left, top, width, height = tile.place
    inner = _inner_sides(tile, frame_size)
    low = (boxes[:, :2] < (left + CUT_PX, top + CUT_PX)) & inner[:2]
    high = (boxes[:, 2:] > (left + width - CUT_PX, top + height - CUT_PX)) & inner[2:]
    cut: Rows = np.any(low | high, axis=1)
    return cut


def _inner_sides(tile: Tile, frame_size: tuple[int, int]) -> Rows:
    """Return which of left, upper, right and lower side lie within the frame."""
    x1, y1, x2, y2 = tile.window
    return np.array((x1 > 0, y1 > 0, x2 < frame_size[0], y2 < frame_size[1]))


def _window(tile: Tile, frame_size: tuple[int, int]) -> tuple[float, ...]:
    """Return the part of the frame in which a thing would have been found whole."""
    x1, y1, x2, y2 = tile.window
    margin = CUT_PX * np.array([x2 - x1, y2 - y1] * 2) / (tile.place[2:] * 2)
    sides = np.array(tile.window) + margin * (1, 1, -1, -1)
    return tuple(np.where(_inner_sides(tile, frame_size), sides, (-np.inf, -np.inf, np.inf, np.inf)).tolist())


def _in_frame(detections: Detections, tile: Tile) -> Detections:
    """Return detections of an input in pixels of the frame, clipped to the tile."""
    left, top, width, height = tile.place
    x1, y1, x2, y2 = tile.window
    scale = np.array([(x2 - x1) / width, (y2 - y1) / height] * 2, np.float32)
    boxes = np.array([x1, y1] * 2, np.float32) + (detections.boxes_xyxy - np.array([left, top] * 2, np.float32)) * scale
    limits = np.array([(x1, y1), (x2, y2)], np.float32)
    boxes = np.clip(boxes, np.tile(limits[0], 2), np.tile(limits[1], 2))
    return Detections(boxes_xyxy=boxes, scores=detections.scores, class_ids=detections.class_ids)


def _chosen(detections: Detections, rows: Rows) -> Detections:
    return Detections(
        boxes_xyxy=detections.boxes_xyxy[rows], scores=detections.scores[rows], class_ids=detections.class_ids[rows]
    )


def _joined(parts: Sequence[Detections]) -> tuple[Detections, NDArray[np.intp]]:
    """Return all detections, best first, and for each the number of the part that it comes from."""
    scores = np.concatenate([part.scores for part in parts])
    best_first = np.argsort(-scores, kind="stable")
    detections = Detections(
        boxes_xyxy=np.concatenate([part.boxes_xyxy for part in parts])[best_first],
        scores=scores[best_first],
        class_ids=np.concatenate([part.class_ids for part in parts])[best_first],
    )
    return detections, np.repeat(np.arange(len(parts)), [len(part) for part in parts])[best_first]


def _without_doubles(parts: Sequence[Detections]) -> Detections:
    """Return all detections, best first, without those that a better one of another part already is."""
    detections, part_of = _joined(parts)
    boxes = detections.boxes_xyxy.astype(np.float64)
    sides = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=2)
    areas = np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), np.finfo(np.float64).tiny)
    is_same = shared > SAME_OVERLAP * (areas[:, None] + areas[None, :] - shared)
    is_same |= shared > PART_SHARE * np.minimum(areas[:, None], areas[None, :])
    is_same &= detections.class_ids[:, None] == detections.class_ids[None, :]
    is_same &= part_of[:, None] != part_of[None, :]
    kept = np.ones(len(boxes), np.bool_)
    for row in np.flatnonzero(np.tril(is_same, k=-1).any(axis=1)):
        kept[row] = not (is_same[row, :row] & kept[:row]).any()
    return _chosen(detections, kept)

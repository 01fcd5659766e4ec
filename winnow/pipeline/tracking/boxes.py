"""Boxes as arrays: corners, centres, overlap."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]
"""float64 (N, 4); the name of a variable says whether x1 y1 x2 y2 or centre x, centre y, width, height."""


def to_centres(boxes_xyxy: Boxes) -> Boxes:
    """Return centre x, centre y, width, height of each box."""
    corner, opposite = boxes_xyxy[:, :2], boxes_xyxy[:, 2:]
    return np.concatenate(((corner + opposite) / 2, opposite - corner), axis=1)


def to_corners(boxes_cxcywh: Boxes) -> Boxes:
    """Return x1, y1, x2, y2 of each box."""
    centre, half = boxes_cxcywh[:, :2], boxes_cxcywh[:, 2:] / 2
    return np.concatenate((centre - half, centre + half), axis=1)


def grown(boxes_xyxy: Boxes, share: float) -> Boxes:
    """Return the boxes with each side moved outwards by `share` of the box's size in that direction."""
    room = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) * share
    return np.concatenate((boxes_xyxy[:, :2] - room, boxes_xyxy[:, 2:] + room), axis=1)


def overlaps(first_xyxy: Boxes, second_xyxy: Boxes) -> NDArray[np.float64]:
    """Return intersection over union (N, M), 0 where both boxes are empty."""
    shared = shared_areas(first_xyxy, second_xyxy)
    union = _areas(first_xyxy)[:, None] + _areas(second_xyxy)[None, :] - shared
    overlap: NDArray[np.float64] = shared / np.maximum(union, np.finfo(np.float64).tiny)
    return overlap


def shared_areas(first_xyxy: Boxes, second_xyxy: Boxes) -> NDArray[np.float64]:
    """Return the area that each two boxes have in common (N, M)."""
    low = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    high = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    shared: NDArray[np.float64] = sides[:, :, 0] * sides[:, :, 1]
    return shared


def apart(boxes_xyxy: Boxes, room: float) -> NDArray[np.bool_]:
    """Return which boxes touch none of the others, each grown by `room` of its size on every side."""
    wide = grown(boxes_xyxy, room)
    alone: NDArray[np.bool_] = (shared_areas(wide, wide) > 0).sum(axis=1) <= 1
    return alone


def most_covered(boxes_xyxy: Boxes, there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the greatest share of each box (N,) that one other covers, of those that are there (N,)."""
    shared = shared_areas(boxes_xyxy, boxes_xyxy) * there[None, :]
    np.fill_diagonal(shared, 0.0)
    covered: NDArray[np.float64] = shared.max(axis=1, initial=0.0) / np.maximum(_areas(boxes_xyxy), 1.0)
    return covered


def _areas(boxes_xyxy: Boxes) -> NDArray[np.float64]:
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])

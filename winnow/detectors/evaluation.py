"""How well detections match what is there, or what another model sees.

Source: Everingham et al., The PASCAL Visual Object Classes Challenge, IJCV 2015, section 4.2, with the area under the
whole precision-recall curve (from 2010 on).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.detections import Detections

MATCHING_IOU: Final = 0.5

Floats = NDArray[np.float32]


def pairwise_iou(left_xyxy: Floats, right_xyxy: Floats) -> Floats:
    """Return (N, M): intersection over union of every left box with every right box; 0 for empty boxes."""
    upper = np.maximum(left_xyxy[:, np.newaxis, :2], right_xyxy[np.newaxis, :, :2])
    lower = np.minimum(left_xyxy[:, np.newaxis, 2:], right_xyxy[np.newaxis, :, 2:])
    shared = np.clip(lower - upper, 0, None).prod(axis=2)
    union = _areas(left_xyxy)[:, np.newaxis] + _areas(right_xyxy) - shared
    overlap: Floats = shared / np.maximum(union, np.finfo(np.float32).tiny)
    return overlap


def average_precision(found: Sequence[Detections], truth_xyxy: Sequence[Floats]) -> float:
    """Return the area under the precision-recall curve of one class, 0..1, at an overlap of 0.5 (AP50).

    Args:
        found: detections of the class, one entry an image.
        truth_xyxy: boxes (N, 4) that are there, one entry an image.
    """
    scores = np.concatenate([detections.scores for detections in found])
    hits = np.concatenate([_hits(one, boxes) for one, boxes in zip(found, truth_xyxy, strict=True)])
    in_order = hits[np.argsort(-scores, kind="stable")]
    total = sum(len(boxes) for boxes in truth_xyxy)
    if total == 0 or len(in_order) == 0:
        return 0.0
    true_positives = np.cumsum(in_order)
    precision = true_positives / np.arange(1, len(in_order) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    gained = np.diff(true_positives, prepend=0) / total
    return float((gained * envelope).sum())


def agreement(reference: Sequence[Detections], other: Sequence[Detections]) -> float:
    """Return the F1 score of `other` if `reference` were the truth, 0..1: same class, overlap of 0.5.

    Where neither found anything they agree: 1.
    """
    shared = sum(_matches(one, two) for one, two in zip(reference, other, strict=True))
    total = sum(map(len, reference)) + sum(map(len, other))
    return 2 * shared / total if total else 1.0


def of_class(detections: Detections, class_id: int) -> Detections:
    """Return the objects of one class, order kept."""
    chosen = detections.class_ids == class_id
    return Detections(
        boxes_xyxy=detections.boxes_xyxy[chosen],
        scores=detections.scores[chosen],
        class_ids=detections.class_ids[chosen],
    )


def _hits(found: Detections, truth_xyxy: Floats) -> NDArray[np.bool_]:
    """Return for each detection, best first, whether it takes a true box that no better one has taken."""
    overlap = pairwise_iou(found.boxes_xyxy, truth_xyxy.reshape(-1, 4))
    hits = np.zeros(len(found), np.bool_)
    for row in range(len(found) if overlap.shape[1] else 0):
        column = int(overlap[row].argmax())
        if overlap[row, column] >= MATCHING_IOU:
            hits[row] = True
            overlap[:, column] = -1
    return hits


def _matches(reference: Detections, other: Detections) -> int:
    classes = np.union1d(reference.class_ids, other.class_ids)
    return sum(int(_hits(of_class(other, int(c)), of_class(reference, int(c)).boxes_xyxy).sum()) for c in classes)


def _areas(boxes_xyxy: Floats) -> Floats:
    sizes = np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None)
    areas: Floats = sizes.prod(axis=1)
    return areas

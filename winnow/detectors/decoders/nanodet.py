"""NanoDet and NanoDet-Plus: class scores, and each side's distance as a distribution over bins.

Source: Li et al., Generalized Focal Loss, NeurIPS 2020 (the distribution), and RangiLyu/nanodet, `nanodet_head.py` and
`nanodet_plus_head.py` (cell centres at half a stride in the first, at the cell's corner in the second).
"""

import math

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.decoders.candidates import Candidates

Floats = NDArray[np.float32]


def decode_nanodet(logits: Floats, distances: Floats, corners: Floats, min_score: float) -> Candidates:
    """Return the cells whose best class scores `min_score` or more.

    Args:
        logits: (classes, cells), before the sigmoid.
        distances: (4 x bins, cells): left, top, right, bottom.
        corners: (3, cells) from `cell_corners`.
        min_score: 0..1.
    """
    best = logits.max(axis=0)
    (kept,) = np.nonzero(best >= _logit(min_score))
    scores = 1 / (1 + np.exp(-best[kept]))
    x, y, stride = corners[:, kept]
    sides = _expected_bins(distances[:, kept]) * stride
    return Candidates(
        boxes_xyxy=_boxes(x + stride / 2, y + stride / 2, sides),
        scores=scores.astype(np.float32),
        class_ids=logits[:, kept].argmax(axis=0).astype(np.int32),
    )


def decode_nanodet_plus(output: Floats, classes: int, corners: Floats, min_score: float) -> Candidates:
    """Return the cells whose best class scores `min_score` or more.

    Args:
        output: (cells, classes + 4 x bins), scores after the sigmoid.
        classes: number of classes.
        corners: (3, cells) from `cell_corners`.
        min_score: 0..1.
    """
    best = output[:, :classes].max(axis=1)
    (kept,) = np.nonzero(best >= min_score)
    x, y, stride = corners[:, kept]
    sides = _expected_bins(output[kept, classes:].T) * stride
    return Candidates(
        boxes_xyxy=_boxes(x, y, sides),
        scores=best[kept],
        class_ids=output[kept, :classes].argmax(axis=1).astype(np.int32),
    )


def _logit(score: float) -> float:
    if score <= 0:
        return -math.inf
    return math.inf if score >= 1 else math.log(score / (1 - score))


def _expected_bins(distances: Floats) -> Floats:
    """Return (4, N): the expectation of each side's distribution, in strides."""
    rows, count = distances.shape
    spread = distances.reshape(4, rows // 4, count)  # no -1: there may be no boxes to divide by
    weights = np.exp(spread - spread.max(axis=1, keepdims=True))
    bins = np.arange(spread.shape[1], dtype=np.float32)
    expected: Floats = np.einsum("sbn,b->sn", weights, bins) / weights.sum(axis=1)
    return expected


def _boxes(x: Floats, y: Floats, sides: Floats) -> Floats:
    left, top, right, bottom = sides
    return np.stack([x - left, y - top, x + right, y + bottom], axis=1)

"""Of several boxes around one object, keep the best."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.detectors.decoders import Candidates

MAX_CANDIDATES: Final = 1000
"""Suppression compares pairs; a picture of noise must not cost seconds. No scene has as many objects."""


def suppress_overlaps(candidates: Candidates, nms_iou: float) -> NDArray[np.intp]:
    """Return the indices of the candidates to keep, highest score first.

    Greedy non-maximum suppression within each class: a box goes if it overlaps a kept one by more than `nms_iou`.
    Equal scores keep the order of the candidates.
    """
    order = np.argsort(-candidates.scores, kind="stable")[:MAX_CANDIDATES]
    if len(order) == 0:
        return order
    boxes = candidates.boxes_xyxy[order].astype(np.float64)
    boxes[:, 2:] -= boxes[:, :2]
    kept = cv2.dnn.NMSBoxesBatched(
        boxes.tolist(), candidates.scores[order].tolist(), candidates.class_ids[order].tolist(), 0.0, nms_iou
    )
    return order[np.sort(np.asarray(kept, np.intp).ravel())]

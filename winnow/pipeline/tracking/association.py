"""Which detection is which track.

Two stages, after Zhang et al., ByteTrack, ECCV 2022: strong detections are matched first; what is then left of the
tracks may still find a weak one, because a person half hidden scores low but is where the track expects them.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from winnow.pipeline.tracking.boxes import Boxes, grown, overlaps

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows of the tracks and, at the same places, rows of the detections."""

SAME_THING_OVERLAP: Final = 0.7
"""Boxes of different classes that overlap this much may be one thing that the model names differently from frame to
frame, such as a van that is now a car and now a truck."""

SAME_PLACE_OVERLAP: Final = 0.8
"""Two detections of one frame that overlap this much are one thing with two names."""

_NO_PAIRS: Final = (np.empty(0, np.intp), np.empty(0, np.intp))


def similarities(
    boxes_xyxy: Boxes,
    class_ids: NDArray[np.int32],
    detected_xyxy: Boxes,
    detected_class_ids: NDArray[np.int32],
    *,
    room: float,
) -> NDArray[np.float64]:
    """Return how well each detection fits each track, (tracks, detections), 0..1; 0 means not at all.

    Args:
        boxes_xyxy: the tracks, where they are expected.
        class_ids: of the tracks.
        detected_xyxy: the detections.
        detected_class_ids: of the detections.
        room: both boxes are grown by this share before their overlap is taken, so that a small, quick object still
            meets its own next box. Source: Yang et al., Hard to Track Objects with Irregular Motions, WACV 2023.
    """
    if room:
        boxes_xyxy, detected_xyxy = grown(boxes_xyxy, room), grown(detected_xyxy, room)
    overlap = overlaps(boxes_xyxy, detected_xyxy)
    other_class = class_ids[:, None] != detected_class_ids[None, :]
    if other_class.any():
        overlap[other_class & (overlap < SAME_THING_OVERLAP)] = 0.0
    return overlap


def best_pairs(similarity: NDArray[np.float64], at_least: float) -> Pairs:
    """Return the one-to-one assignment of greatest total similarity; pairs below `at_least` (> 0) are left out."""
    if not similarity.size:
        return _NO_PAIRS
    possible = np.where(similarity >= at_least, similarity, 0.0)
    tracks, detections = linear_sum_assignment(possible, maximize=True)
    kept = possible[tracks, detections] > 0.0
    return tracks[kept], detections[kept]


def distinct(boxes_xyxy: Boxes, class_ids: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which detections are the first of their place, (N,): detectors name one thing twice, as car and truck.

    Args:
        boxes_xyxy: best first.
        class_ids: boxes of one class are left alone, the detector has already told them apart.
    """
    kept = np.ones(len(boxes_xyxy), np.bool_)
    named_differently = class_ids[:, None] != class_ids[None, :]
    if not named_differently.any():
        return kept
    same_place = (overlaps(boxes_xyxy, boxes_xyxy) >= SAME_PLACE_OVERLAP) & named_differently
    for row in np.flatnonzero(np.tril(same_place, k=-1).any(axis=1)):
        kept[row] = not (same_place[row, :row] & kept[:row]).any()
    return kept

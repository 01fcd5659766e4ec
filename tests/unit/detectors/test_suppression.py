"""Of overlapping boxes of one class only the best stays."""

from collections.abc import Sequence

import numpy as np

from winnow.detectors.decoders import Candidates
from winnow.detectors.suppression import MAX_CANDIDATES, suppress_overlaps


def candidates(boxes: Sequence[Sequence[float]], scores: Sequence[float], classes: Sequence[int]) -> Candidates:
    """Return candidates from lists."""
    return Candidates(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores, np.float32),
        class_ids=np.array(classes, np.int32),
    )


def test_best_of_overlapping_boxes_stays() -> None:
    """The lower score goes, wherever it stands in the list."""
    found = candidates([[0, 0, 10, 10], [1, 0, 11, 10], [50, 50, 60, 60]], [0.5, 0.9, 0.7], [0, 0, 0])
    assert suppress_overlaps(found, 0.6).tolist() == [1, 2]


def test_other_classes_are_left_alone() -> None:
    """A person on a bicycle is two objects."""
    found = candidates([[0, 0, 10, 10], [0, 0, 10, 10]], [0.5, 0.9], [0, 1])
    assert suppress_overlaps(found, 0.6).tolist() == [1, 0]


def test_overlap_up_to_the_limit_is_allowed() -> None:
    """Boxes that share a third of their union stay at a limit of 0.6 and one goes at 0.3."""
    found = candidates([[0, 0, 10, 10], [5, 0, 15, 10]], [0.9, 0.8], [0, 0])
    assert suppress_overlaps(found, 0.6).tolist() == [0, 1]
    assert suppress_overlaps(found, 0.3).tolist() == [0]


def test_equal_scores_keep_their_order() -> None:
    """The result does not depend on how a sort breaks ties."""
    found = candidates([[20 * i, 0, 20 * i + 10, 10] for i in range(30)], [0.5] * 30, [0] * 30)
    assert suppress_overlaps(found, 0.6).tolist() == list(range(30))


def test_nothing_gives_nothing() -> None:
    """No candidates, no objects."""
    assert suppress_overlaps(candidates([], [], []), 0.6).tolist() == []


def test_noise_is_bounded() -> None:
    """However many candidates there are, only the best thousand are compared."""
    count = 3000
    boxes = [[20 * i, 0, 20 * i + 10, 10] for i in range(count)]
    found = candidates(boxes, np.linspace(0.1, 0.9, count).tolist(), [0] * count)
    kept = suppress_overlaps(found, 0.6)
    assert kept.tolist() == list(range(count - 1, count - 1 - MAX_CANDIDATES, -1))

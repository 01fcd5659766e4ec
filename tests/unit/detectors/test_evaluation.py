"""Average precision and agreement on cases that can be counted by hand."""

import numpy as np
import pytest

from winnow.detectors import Detections
from winnow.detectors.evaluation import agreement, average_precision, pairwise_iou

BOX = [0.0, 0.0, 10.0, 10.0]
FAR = [50.0, 50.0, 60.0, 60.0]


def found(*rows: tuple[list[float], float, int]) -> Detections:
    """Return detections from box, score and class, given best first."""
    return Detections(
        boxes_xyxy=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in rows], np.float32),
        class_ids=np.array([row[2] for row in rows], np.int32),
    )


def boxes(*rows: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return boxes (N, 4)."""
    return np.array(rows, np.float32).reshape(-1, 4)


def test_overlap_is_shared_area_over_union() -> None:
    """Half a box beside itself shares a third; apart and empty boxes share nothing."""
    overlap = pairwise_iou(boxes(BOX, [0, 0, 0, 0]), boxes([5, 0, 15, 10], FAR))
    assert overlap == pytest.approx(np.array([[1 / 3, 0], [0, 0]]))


def test_everything_found_and_nothing_else_is_one() -> None:
    """Perfect detections have an average precision of 1."""
    assert average_precision([found((BOX, 0.9, 0), (FAR, 0.8, 0))], [boxes(BOX, FAR)]) == 1


def test_second_box_on_the_same_object_is_wrong() -> None:
    """Every true box is found once; here precision is 1 up to half of the recall, then 2/3."""
    result = average_precision([found((BOX, 0.9, 0), (BOX, 0.8, 0), (FAR, 0.7, 0))], [boxes(BOX, FAR)])
    assert result == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_false_alarm_before_the_hit_halves_precision() -> None:
    """A better scored false alarm in another image counts before the hit."""
    assert average_precision([found((FAR, 0.9, 0)), found((BOX, 0.5, 0))], [boxes(), boxes(BOX)]) == 0.5


def test_nothing_found_is_zero() -> None:
    """Without detections precision and recall are 0."""
    assert average_precision([Detections.empty()], [boxes(BOX)]) == 0


def test_same_objects_of_the_same_class_agree() -> None:
    """Agreement needs place and class; scores may differ."""
    assert agreement([found((BOX, 0.9, 0))], [found((BOX, 0.4, 0))]) == 1
    assert agreement([found((BOX, 0.9, 0))], [found((BOX, 0.9, 1))]) == 0
    assert agreement([found((BOX, 0.9, 0), (FAR, 0.8, 1))], [found((BOX, 0.9, 0))]) == pytest.approx(2 / 3)
    assert agreement([Detections.empty()], [Detections.empty()]) == 1

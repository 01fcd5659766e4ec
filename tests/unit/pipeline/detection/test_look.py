"""Which part of a frame a look has covered."""

import numpy as np

from winnow.detectors import Detections
from winnow.pipeline.detection import Look


def _look(*windows: tuple[float, float, float, float]) -> Look:
    return Look(
        detections=Detections.empty(),
        cut=Detections.empty(),
        windows_xyxy=np.array(windows, np.float64).reshape(-1, 4),
        is_whole_frame=False,
    )


def test_whole_frame_covers_what_has_left_it() -> None:
    """A track that is expected beyond the border was looked for."""
    assert Look.at_whole_frame(Detections.empty()).covers(np.array([(-50.0, 0, -10, 80), (0, 0, 9, 9)])).all()


def test_window_covers_what_lies_within_it_as_a_whole() -> None:
    """Half a box is not enough, and two windows do not add up."""
    look = _look((0, 0, 100, 100), (100, 0, 200, 100))
    boxes = np.array([(10.0, 10, 40, 90), (60, 10, 140, 90), (150, 10, 200, 100), (300, 0, 310, 10)])
    assert look.covers(boxes).tolist() == [True, False, True, False]


def test_no_window_covers_nothing() -> None:
    """Boxes and windows may both be none."""
    assert not _look().covers(np.array([(0.0, 0, 1, 1)])).any()
    assert _look((0, 0, 9, 9)).covers(np.empty((0, 4))).shape == (0,)

"""The detector of the synthetic clips."""

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.detectors.errors import ImageError
from winnow.pipeline.testing import ColourBoxDetector

RED, GREEN, BLUE = (40, 40, 220), (40, 220, 40), (220, 60, 40)


def _picture(*boxes: tuple[tuple[int, int, int], tuple[int, int, int, int]]) -> NDArray[np.uint8]:
    pixels = np.full((100, 160, 3), 170, np.uint8)
    for colour, (x1, y1, x2, y2) in boxes:
        pixels[y1:y2, x1:x2] = colour
    return pixels


def test_boxes_have_the_label_of_their_colour() -> None:
    """Red is a person and blue a car unless a test says otherwise; green is nothing."""
    detector = ColourBoxDetector()
    picture = _picture((BLUE, (10, 20, 40, 60)), (RED, (80, 30, 100, 90)), (GREEN, (120, 30, 150, 90)))
    (found,) = detector.detect([picture])
    labels = [detector.card.labels[class_id] for class_id in found.class_ids]
    assert dict(zip(labels, found.boxes_xyxy.tolist(), strict=True)) == {
        "car": [10, 20, 40, 60],
        "person": [80, 30, 100, 90],
    }
    assert found.scores == pytest.approx([0.9, 0.9])


def test_two_colours_may_share_a_label() -> None:
    """Two people who cross are told apart by the tracker, not by the detector."""
    detector = ColourBoxDetector({"red": "person", "green": "person"})
    (found,) = detector.detect([_picture((RED, (10, 10, 30, 50)), (GREEN, (60, 10, 80, 50)))])
    assert detector.card.labels == ("person",)
    assert found.class_ids.tolist() == [0, 0]


def test_touching_boxes_of_one_colour_are_one_object() -> None:
    """What a tracker must live with: detections merge."""
    (found,) = ColourBoxDetector().detect([_picture((RED, (10, 10, 30, 50)), (RED, (30, 10, 60, 50)))])
    assert found.boxes_xyxy.tolist() == [[10, 10, 60, 50]]


def test_grey_picture_has_no_objects() -> None:
    """The ground of the clips leads in no colour."""
    (found,) = ColourBoxDetector().detect([_picture()])
    assert len(found) == 0


def test_each_image_has_its_own_answer() -> None:
    """A batch is answered in order."""
    answers = ColourBoxDetector().detect([_picture(), _picture((RED, (10, 10, 30, 50)))])
    assert [len(answer) for answer in answers] == [0, 1]


def test_image_of_another_shape_is_refused() -> None:
    """As every detector does."""
    with pytest.raises(ImageError):
        ColourBoxDetector().detect([np.zeros((10, 10), np.uint8)])

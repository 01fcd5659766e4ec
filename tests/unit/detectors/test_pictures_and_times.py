"""Drawing leaves the image alone; timing asks every detector in turn."""

from itertools import count

import numpy as np

from winnow.detectors import Detections
from winnow.detectors.drawing import class_colour, draw_detections
from winnow.detectors.testing import FakeDetector
from winnow.detectors.timing import median_times_ms


def test_boxes_are_drawn_on_a_copy() -> None:
    """The edge of the box has the class's colour in the copy; the original stays black."""
    image = np.zeros((100, 200, 3), np.uint8)
    found = Detections(
        boxes_xyxy=np.array([[50, 40, 150, 90]], np.float32),
        scores=np.array([0.5], np.float32),
        class_ids=np.array([1], np.int32),
    )
    drawn = draw_detections(image, found, ("person", "car"))
    assert tuple(drawn[90, 100]) == class_colour(1)
    assert not drawn[60:85, 55:145].any()
    assert not image.any()


def test_classes_have_colours_of_their_own() -> None:
    """Eighty classes, eighty colours."""
    assert len({class_colour(class_id) for class_id in range(80)}) == 80


def test_detectors_are_timed_in_turns() -> None:
    """Each round asks each detector once; the median of what the clock said comes back."""
    asked: list[str] = []

    def asking(name: str) -> FakeDetector:
        def answer(_image: object) -> Detections:
            asked.append(name)
            return Detections.empty()

        return FakeDetector(answer)

    ticks = (tick * 0.002 for tick in count())
    times = median_times_ms(
        [asking("a"), asking("b")], np.zeros((4, 4, 3), np.uint8), rounds=3, now_s=lambda: next(ticks)
    )
    assert asked == ["a", "b"] * 4
    assert [round(time, 6) for time in times] == [2, 2]


def test_script_of_the_fake_ends_in_silence() -> None:
    """A list is answered one entry an image, then nothing more is found; asked images are remembered."""
    one = Detections(
        boxes_xyxy=np.array([[1, 2, 3, 4]], np.float32),
        scores=np.array([0.5], np.float32),
        class_ids=np.array([0], np.int32),
    )
    detector = FakeDetector([one])
    image = np.zeros((5, 6, 3), np.uint8)
    assert [len(found) for found in detector.detect([image, image])] == [1, 0]
    assert detector.image_shapes == [(5, 6, 3)] * 2

"""What every detector keeps, the fake one too."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.detectors import Detections, Detector, ImageError, open_detector
from winnow.detectors.testing import FakeDetector


def _corner(image: NDArray[np.uint8]) -> Detections:
    """Answer with the image's left upper quarter, if the image is not black."""
    if not image.any():
        return Detections.empty()
    height, width = image.shape[:2]
    return Detections(
        boxes_xyxy=np.array([[0, 0, width / 2, height / 2]], np.float32),
        scores=np.array([0.9], np.float32),
        class_ids=np.array([0], np.int32),
    )


DETECTORS: dict[str, Callable[[], Detector]] = {"onnx": open_detector, "fake": lambda: FakeDetector(_corner)}


@pytest.fixture(params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector:
    """Return each detector in turn."""
    return DETECTORS[request.param]()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    """Return an image of random pixels, always the same ones."""
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def assert_equal(one: Detections, two: Detections) -> None:
    """Fail unless both are the same to the last bit."""
    assert one.boxes_xyxy.tobytes() == two.boxes_xyxy.tobytes()
    assert one.scores.tobytes() == two.scores.tobytes()
    assert one.class_ids.tobytes() == two.class_ids.tobytes()


@pytest.mark.parametrize("shape", [(1, 1), (416, 416), (576, 768), (1080, 1920), (700, 33)])
def test_answers_have_the_promised_types_and_ranges(detector: Detector, shape: tuple[int, int]) -> None:
    """Whatever the image's size: dtypes, shapes, order of scores, boxes inside the image, labels in the card."""
    (found,) = detector.detect([noise(*shape)])
    assert found.boxes_xyxy.dtype == found.scores.dtype == np.float32
    assert found.class_ids.dtype == np.int32
    assert found.boxes_xyxy.shape == (len(found), 4)
    assert found.scores.shape == found.class_ids.shape == (len(found),)
    assert (np.diff(found.scores) <= 0).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert ((found.class_ids >= 0) & (found.class_ids < len(detector.card.labels))).all()
    x1, y1, x2, y2 = found.boxes_xyxy.T
    assert ((x1 >= 0) & (x1 <= x2) & (x2 <= shape[1])).all()
    assert ((y1 >= 0) & (y1 <= y2) & (y2 <= shape[0])).all()


def test_answers_come_in_the_order_of_the_images(detector: Detector) -> None:
    """Several images at once are answered as each alone."""
    images = [noise(100, 200), np.zeros((50, 50, 3), np.uint8), noise(416, 416)]
    together = detector.detect(images)
    assert len(together) == len(images)
    for image, found in zip(images, together, strict=True):
        assert_equal(found, detector.detect([image])[0])


def test_same_image_is_answered_the_same(detector: Detector) -> None:
    """No state is carried from one call to the next."""
    first = detector.detect([noise(300, 400)])[0]
    detector.detect([np.zeros((90, 60, 3), np.uint8)])
    assert_equal(first, detector.detect([noise(300, 400)])[0])


def test_images_are_left_as_they_were(detector: Detector) -> None:
    """Images are neither changed nor needed in one piece of memory."""
    image = noise(416, 832)
    before = image.copy()
    image.flags.writeable = False
    detector.detect([image, image[:, ::2], image[::-1]])
    assert (image == before).all()


def test_earlier_answers_stay_valid(detector: Detector) -> None:
    """An answer that was handed out does not change when the next image is searched."""
    first = detector.detect([noise(416, 416)])[0]
    kept = first.boxes_xyxy.copy()
    detector.detect([np.full((416, 416, 3), 255, np.uint8)])
    assert (first.boxes_xyxy == kept).all()


def test_no_images_no_answers(detector: Detector) -> None:
    """An empty batch is allowed."""
    assert detector.detect([]) == []


@pytest.mark.parametrize("shape", [(10, 10), (10, 10, 1), (10, 10, 4), (0, 10, 3)])
def test_anything_but_a_colour_image_is_refused(detector: Detector, shape: tuple[int, ...]) -> None:
    """One wrong image refuses the whole call, before anything is answered."""
    with pytest.raises(ImageError):
        detector.detect([noise(8, 8), np.zeros(shape, np.uint8)])


def test_card_says_what_the_numbers_mean(detector: Detector) -> None:
    """A detector always has a card with labels."""
    assert len(detector.card.labels) > 0
    assert detector.card is detector.card

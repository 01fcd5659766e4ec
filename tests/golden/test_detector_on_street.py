"""What the shipped detector sees in the sample clip."""

from collections import Counter
from pathlib import Path
from typing import Final

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.detectors import Detections, ModelCard, open_detector
from winnow.detectors.evaluation import of_class, pairwise_iou

STREET: Final = Path(__file__).parents[2] / "sample_videos" / "street.mp4"
FRAME: Final = 300
SCORE: Final = 0.35
PEOPLE: Final = (
    (183, 159, 218, 233),
    (245, 161, 277, 221),
    (292, 160, 323, 231),
    (312, 209, 349, 296),
    (581, 161, 612, 235),
    (615, 163, 643, 233),
)
VAN: Final = (651, 43, 726, 99)


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    """Return frame 300, counted from 1."""
    with av.open(STREET) as container:
        for number, picture in enumerate(container.decode(video=0), start=1):
            if number == FRAME:
                return picture.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
    raise AssertionError(f"{STREET} is shorter than {FRAME} frames")


def seen_as(label: str, found: Detections, card: ModelCard) -> NDArray[np.float32]:
    """Return the boxes of one label."""
    return of_class(found, card.labels.index(label)).boxes_xyxy


def test_six_people_and_the_van_are_found(frame: NDArray[np.uint8]) -> None:
    """At score 0.35 there are six people, each where one walks, and the parked van, which COCO calls a truck."""
    detector = open_detector(min_score=SCORE)
    (found,) = detector.detect([frame])
    people = seen_as("person", found, detector.card)
    assert len(people) == len(PEOPLE)
    assert pairwise_iou(np.array(PEOPLE, np.float32), people).max(axis=1).min() > 0.8
    assert pairwise_iou(np.array([VAN], np.float32), seen_as("truck", found, detector.card)).max() > 0.8


def test_default_threshold_keeps_weak_boxes_for_the_tracker(frame: NDArray[np.uint8]) -> None:
    """Without a threshold of one's own far weaker boxes come along, and the strong ones are the same."""
    strong = open_detector(min_score=SCORE).detect([frame])[0]
    found = open_detector().detect([frame])[0]
    assert found.scores.min() < 0.15
    assert found.scoring_at_least(SCORE).boxes_xyxy.tolist() == strong.boxes_xyxy.tolist()


def test_number_of_threads_does_not_change_what_is_seen(frame: NDArray[np.uint8]) -> None:
    """Two threads find the same objects as one."""
    one, two = (open_detector(threads=threads).detect([frame])[0] for threads in (1, 2))
    assert Counter(one.class_ids.tolist()) == Counter(two.class_ids.tolist())
    assert one.scores.tolist() == two.scores.tolist()

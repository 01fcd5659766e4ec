"""When the detector must look, and who is where while it does not."""

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.pipeline.tracking.test_flow import picture
from winnow.detectors import Detections
from winnow.pipeline.detection import Look
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracker, Tracks

FPS = 5
Person = tuple[int, int]
"""x and y of the upper left corner; everybody is 30 x 75 pixels."""


class Walk:
    """People with textures walk through frames; the detector finds everybody, but only when it must look."""

    def __init__(self, fps: int = FPS) -> None:
        self.tracker = Tracker(TrackingSettings())
        self.fps = fps
        self.index = -1
        self.looks: list[int] = []

    def step(self, *people: Person, motion: NDArray[np.float64] | None = None) -> Tracks:
        """Take the next frame through; motion is where the people are unless it is given."""
        self.index += 1
        at_s = Fraction(self.index, self.fps)
        luma = picture(*((x, y, 30, 75) for x, y in people))
        boxes = np.array([(x, y, x + 30, y + 75) for x, y in people], np.float64).reshape(-1, 4)
        moving = boxes if motion is None else motion
        if not self.tracker.needs_detection(at_s, moving):
            return self.tracker.coast(at_s, luma)
        self.looks.append(self.index)
        found = Detections(
            boxes_xyxy=boxes.astype(np.float32),
            scores=np.full(len(boxes), 0.8, np.float32),
            class_ids=np.zeros(len(boxes), np.int32),
        )
        return self.tracker.update(Look.at_whole_frame(found), at_s, luma, moving)


@pytest.mark.parametrize("fps", [5, 10])
def test_somebody_alone_is_looked_at_in_every_fifth_frame(fps: int) -> None:
    """Until they are known to be an object in every frame, then in every fifth; the flow says where they are."""
    walk = Walk(fps)
    for index in range(40):
        tracks = walk.step((100 + 4 * index, 100))
        assert tracks.keys.tolist() == [1]
        assert tracks.followed.tolist() == [True]
        assert tracks.boxes_xyxy[0] == pytest.approx([100 + 4 * index, 100, 130 + 4 * index, 175], abs=3)
        if bool(tracks.travelled[0]):
            break
    assert walk.looks == list(range(walk.index + 1))
    for index in range(walk.index + 1, 40):
        tracks = walk.step((100 + 4 * index, 100))
        assert tracks.followed.tolist() == [True]
        assert tracks.boxes_xyxy[0] == pytest.approx([100 + 4 * index, 100, 130 + 4 * index, 175], abs=3)
    known_at = next(index for index, look in enumerate(walk.looks) if look + 1 not in walk.looks)
    assert np.diff(walk.looks[known_at:]).tolist() == [5] * (len(walk.looks) - known_at - 1)


def test_slow_camera_is_looked_at_every_second() -> None:
    """At one frame a second, five frames would be too long: no flow follows anybody that far."""
    walk = Walk(fps=1)
    for index in range(8):
        walk.step((100 + 4 * index, 100))
    assert walk.looks == list(range(8))


def test_new_motion_is_looked_at_at_once() -> None:
    """Somebody comes in while somebody else is followed: the detector looks in that very frame."""
    walk = Walk()
    for index in range(20):
        walk.step((100 + 4 * index, 100))
    while walk.looks[-1] == walk.index:
        walk.step((100 + 4 * (walk.index + 1), 100))
    walk.step((100 + 4 * (walk.index + 1), 100), (500, 300))
    assert walk.looks[-1] == walk.index


def test_motion_in_which_nothing_was_found_is_looked_at_once() -> None:
    """A tree that the detector has looked at sways on without it, a walker beside it is still found."""
    walk = Walk()
    tree = np.array([[400.0, 50, 460, 150]])
    for _ in range(10):
        walk.step(motion=tree)
    assert walk.looks == [0]
    walk.step((300, 300), motion=np.concatenate((tree, [[300.0, 300, 330, 375]])))
    assert walk.looks == [0, 10]


def test_poster_that_never_moves_costs_few_looks() -> None:
    """A track that stands still is looked at every ten seconds, and every fifth frame while somebody walks past."""
    walk = Walk()
    for _ in range(6 * FPS):
        walk.step((300, 100))
    for _ in range(50 * FPS):
        walk.step((300, 100), motion=np.empty((0, 4)))
    assert np.diff([look for look in walk.looks if look > 6 * FPS]).tolist() == [10 * FPS] * 4
    begin = walk.index
    for _ in range(5 * FPS):
        walk.step((300, 100), motion=np.array([[310.0, 100, 340, 175]]))
    assert len([look for look in walk.looks if look > begin]) <= 6


def test_people_close_together_are_looked_at_in_every_second_frame() -> None:
    """The flow in one box may be that of somebody else."""
    walk = Walk()
    for index in range(30):
        walk.step((100 + 4 * index, 100), (134 + 4 * index, 100))
    assert np.diff(walk.looks[-5:]).tolist() == [2] * 4


def test_nothing_that_moves_nothing_to_look_at() -> None:
    """An empty scene needs no detector."""
    walk = Walk()
    for _ in range(30):
        walk.step()
    assert walk.looks == []


def test_flow_alone_carries_nobody_for_more_than_a_second() -> None:
    """What the detector does not find again is lost: here a poster on a van that drives by."""
    tracker = Tracker(TrackingSettings())
    frames = [picture((100 + 4 * index, 100, 30, 75)) for index in range(30)]
    for index in range(5):
        box = np.array([[100 + 4 * index, 100, 130 + 4 * index, 175]], np.float32)
        found = Detections(boxes_xyxy=box, scores=np.array([0.8], np.float32), class_ids=np.zeros(1, np.int32))
        tracker.update(Look.at_whole_frame(found), Fraction(index, FPS), frames[index])
    followed = [
        tracker.update(Look.at_whole_frame(Detections.empty()), Fraction(index, FPS), frames[index]).followed.tolist()
        for index in range(5, 20)
    ]
    assert followed == [[True]] * 5 + [[False]] * 10


def test_flow_carries_tracks_the_same_way_twice() -> None:
    """Twice the same frames, twice the same boxes, to the last bit."""

    def boxes() -> list[bytes]:
        walk = Walk()
        return [walk.step((100 + 4 * index, 100), (400 - 3 * index, 300)).boxes_xyxy.tobytes() for index in range(20)]

    assert boxes() == boxes()

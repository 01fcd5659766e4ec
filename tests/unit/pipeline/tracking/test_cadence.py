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
    """Until confirmed in every frame, then in every fifth; in between the flow says where they are."""
    walk = Walk(fps)
    for index in range(40):
        tracks = walk.step((100 + 4 * index, 100))
        assert tracks.keys.tolist() == [1]
        assert tracks.followed.tolist() == [True]
        assert tracks.boxes_xyxy[0] == pytest.approx([100 + 4 * index, 100, 130 + 4 * index, 175], abs=3)
    assert walk.looks[:3] == [0, 1, 2]
    assert np.diff(walk.looks[2:]).tolist() == [5] * (len(walk.looks) - 3)


def test_slow_camera_is_looked_at_every_second() -> None:
    """At one frame a second, five frames would be too long: no flow follows anybody that far."""
    walk = Walk(fps=1)
    for index in range(8):
        walk.step((100 + 4 * index, 100))
    assert walk.looks == list(range(8))


def test_new_motion_is_looked_at_at_once() -> None:
    """Somebody comes in while somebody else is followed: the detector looks in that very frame."""
    walk = Walk()
    for index in range(9):
        walk.step((100 + 4 * index, 100))
    assert walk.looks[-1] == 7
    walk.step((136, 100), (500, 300))
    assert walk.looks[-1] == 9


def test_motion_in_which_nothing_was_found_is_looked_at_once() -> None:
    """A tree that the detector has looked at sways on without it, a walker beside it is still found."""
    walk = Walk()
    tree = np.array([[400.0, 50, 460, 150]])
    for _ in range(10):
        walk.step(motion=tree)
    assert walk.looks == [0]
    walk.step((300, 300), motion=np.concatenate((tree, [[300.0, 300, 330, 375]])))
    assert walk.looks == [0, 10]


def test_people_close_together_are_looked_at_in_every_frame() -> None:
    """The flow in one box may be that of somebody else."""
    walk = Walk()
    for index in range(10):
        walk.step((100 + 4 * index, 100), (120 + 4 * index, 100))
    assert walk.looks == list(range(10))


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

"""From a frame to objects in it, through windows, inputs and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.detectors import Detections
from winnow.detectors.testing import FakeDetector, fake_card
from winnow.pipeline.detection import Look, LookPlan, ObjectFinder, plan_look, plan_whole_frame
from winnow.pipeline.detection.planning import Tile
from winnow.pipeline.detection.reading import read_look
from winnow.pipeline.sources import Frame
from winnow.pipeline.testing import ColourBoxDetector

FRAME = (1920, 1080)
SPEC = fake_card().input


def _frame(*boxes: tuple[int, int, int, int], size: tuple[int, int] = FRAME) -> Frame:
    picture = np.full((size[1], size[0], 3), 128, np.uint8)
    for x1, y1, x2, y2 in boxes:
        picture[y1:y2, x1:x2] = (0, 0, 255)
    return Frame.from_bgr(picture)


def _found(*boxes: tuple[float, float, float, float], scores: tuple[float, ...] = ()) -> Detections:
    return Detections(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array(scores or (0.8,) * len(boxes), np.float32),
        class_ids=np.zeros(len(boxes), np.int32),
    )


def _plan(*inputs: tuple[Tile, ...]) -> LookPlan:
    return LookPlan(inputs=inputs, is_whole_frame=False)


def _tile(window: tuple[int, int, int, int], place: tuple[int, int, int, int]) -> Tile:
    return Tile(window=window, place=place)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3), st.integers(10, 60), st.integers(40, 120)), max_size=5),
)
def test_objects_are_found_where_they_are(cells: list[tuple[int, int, int, int]]) -> None:
    """Wherever the windows lie and however they are packed, boxes come back in pixels of the frame."""
    boxes = {(c, r): (40 + 260 * c, 20 + 260 * r, 40 + 260 * c + w, 20 + 260 * r + h) for c, r, w, h in cells}
    drawn = [boxes[cell] for cell in sorted(boxes)]
    plan = plan_look([(float(a), float(b), float(c), float(d)) for a, b, c, d in drawn], FRAME, SPEC, 2)
    look = ObjectFinder(ColourBoxDetector()).look(_frame(*drawn), plan)
    found = sorted(look.detections.boxes_xyxy.tolist(), key=lambda box: (box[0] // 130, box[1] // 130))
    assert len(found) == len(drawn)
    np.testing.assert_allclose(np.array(found).reshape(-1, 4), np.array(drawn).reshape(-1, 4), atol=3)


def test_whole_frame_names_each_thing_once() -> None:
    """A thing in the overlap of the squares, and in the overview, is one thing; a wide one is not in pieces."""
    shown = ((900, 300, 940, 400), (300, 700, 1600, 900))
    look = ObjectFinder(ColourBoxDetector()).look(_frame(*shown), plan_whole_frame(FRAME, SPEC))
    found = sorted(look.detections.boxes_xyxy.tolist())
    np.testing.assert_allclose(np.array(found), np.array(sorted(shown)), atol=6)
    assert look.is_whole_frame
    assert look.covers(np.array([(0.0, 0, 1920, 1080)])).all()


def test_inputs_have_the_model_s_own_size() -> None:
    """The detector neither scales nor places anything itself."""
    detector = FakeDetector()
    ObjectFinder(detector).look(_frame(), plan_whole_frame(FRAME, SPEC))
    assert detector.image_shapes == [(416, 416, 3)] * 3


def test_cut_thing_is_no_object() -> None:
    """What touches a window's border within the frame goes on beyond it; at the frame's own border it ends there."""
    plan = _plan((_tile((0, 100, 208, 308), (0, 0, 416, 416)),))
    look = read_look(plan, [_found((0, 50, 90, 200), (300, 50, 415, 200), (100, 200, 180, 300))], FRAME)
    np.testing.assert_allclose(sorted(look.detections.boxes_xyxy.tolist()), [(0, 125, 45, 200), (50, 200, 90, 250)])
    np.testing.assert_allclose(look.cut.boxes_xyxy, [(150, 125, 207.5, 200)])


def test_what_ends_at_a_window_s_border_is_not_said_to_be_covered() -> None:
    """A track there would be cut, and not found is then not missed."""
    look = read_look(_plan((_tile((100, 100, 516, 516), (0, 0, 416, 416)),)), [_found()], FRAME)
    assert look.covers(np.array([(101.0, 200, 150, 300), (110, 200, 150, 300)])).tolist() == [False, True]


def test_same_thing_in_two_windows_is_the_better_one() -> None:
    """Windows may overlap: of two boxes the higher score stays, and a part is no thing of its own."""
    plan = _plan((_tile((0, 0, 416, 416), (0, 0, 416, 416)),), (_tile((200, 0, 616, 416), (0, 0, 416, 416)),))
    whole, again, part = (220, 100, 320, 300), (22, 102, 118, 296), (22, 102, 118, 180)
    look = read_look(plan, [_found(whole, scores=(0.7,)), _found(again, scores=(0.8,))], FRAME)
    np.testing.assert_allclose(look.detections.boxes_xyxy, [(222, 102, 318, 296)])
    look = read_look(plan, [_found(whole, scores=(0.7,)), _found(part, scores=(0.6,))], FRAME)
    np.testing.assert_allclose(look.detections.boxes_xyxy, [whole])


def test_people_who_hide_each_other_within_one_window_stay_two() -> None:
    """Whether boxes of one input are one thing is the detector's business."""
    plan = _plan((_tile((0, 0, 416, 416), (0, 0, 416, 416)),), (_tile((800, 0, 1216, 416), (0, 0, 416, 416)),))
    both = _found((100, 100, 150, 250), (105, 150, 150, 250))
    assert len(read_look(plan, [both, _found()], FRAME).detections) == 2


def test_nothing_is_found_between_the_pictures_of_an_input() -> None:
    """What the detector sees in the grey is in no window, and a box belongs to the window its centre is in."""
    plan = _plan((_tile((0, 0, 200, 200), (0, 0, 200, 200)), _tile((1000, 500, 1200, 700), (208, 0, 200, 200))))
    look = read_look(plan, [_found((210, 300, 260, 400), (195, 10, 213, 60), (300, 50, 350, 150))], FRAME)
    np.testing.assert_allclose(look.detections.boxes_xyxy, [(1092, 550, 1142, 650)])


def test_whoever_is_mostly_beyond_a_window_counts_as_cut() -> None:
    """A box whose centre lies in no window is no object, but the part of it that does may be a person's head."""
    plan = _plan((_tile((0, 0, 200, 200), (0, 0, 200, 200)), _tile((1000, 500, 1200, 700), (208, 0, 200, 200))))
    look = read_look(plan, [_found((100, 150, 140, 300))], FRAME)
    assert len(look.detections) == 0
    np.testing.assert_allclose(look.cut.boxes_xyxy, [(100, 150, 140, 200)])


@pytest.mark.parametrize("size", [(640, 480), (1280, 720)])
def test_best_comes_first(size: tuple[int, int]) -> None:
    """As every detector gives them."""
    plan = plan_whole_frame(size, SPEC)
    found = [_found((10, 10, 40, 90), (100, 10, 140, 90), scores=(0.9, 0.3)) for _ in plan.inputs]
    look: Look = read_look(plan, found, size)
    assert look.detections.scores.tolist() == sorted(look.detections.scores.tolist(), reverse=True)

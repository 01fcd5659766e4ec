"""Which part of the frame goes into which model input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.detectors.card import ImageInput
from winnow.pipeline.detection import LookPlan, plan_look, plan_whole_frame

STRETCH = ImageInput(name="image", width=416, height=416, fit="stretch")
LETTERBOX = ImageInput(name="image", width=416, height=416, fit="letterbox")


def _covered(plan: LookPlan, size: tuple[int, int]) -> np.ndarray:
    seen = np.zeros((size[1], size[0]), np.bool_)
    for tiles in plan.inputs:
        for tile in tiles:
            x1, y1, x2, y2 = tile.window
            seen[y1:y2, x1:x2] = True
    return seen


def _aspect_errors(plan: LookPlan) -> list[float]:
    """Return by what factor each tile is squeezed."""
    errors = []
    for tiles in plan.inputs:
        for tile in tiles:
            x1, y1, x2, y2 = tile.window
            across, down = tile.place[2] / (x2 - x1), tile.place[3] / (y2 - y1)
            errors.append(max(across / down, down / across))
    return errors


@given(st.integers(64, 4096), st.integers(64, 4096), st.sampled_from([STRETCH, LETTERBOX]))
def test_whole_frame_leaves_nothing_out(width: int, height: int, spec: ImageInput) -> None:
    """Any shape: every pixel is in a tile, every tile in the frame and in the input."""
    plan = plan_whole_frame((width, height), spec)
    assert plan.is_whole_frame
    assert _covered(plan, (width, height)).all()
    for tiles in plan.inputs:
        for tile in tiles:
            left, top, across, down = tile.place
            assert min(left, top, *tile.window[:2]) >= 0
            assert left + across <= 416
            assert top + down <= 416
            assert tile.window[2] <= width
            assert tile.window[3] <= height


@pytest.mark.parametrize(
    ("size", "inputs"),
    [((320, 192), 1), ((640, 360), 1), ((768, 576), 1), ((1280, 720), 3), ((1920, 1080), 3), ((1080, 1920), 3)],
)
def test_wide_frames_are_shown_in_squares_and_once_as_a_whole(size: tuple[int, int], inputs: int) -> None:
    """One input is enough for a small frame or one that is nearly square."""
    assert len(plan_whole_frame(size, STRETCH).inputs) == inputs


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (3840, 2160), (2560, 1080)])
def test_nobody_is_squeezed_in_the_squares(size: tuple[int, int]) -> None:
    """A wide frame that is stretched to the input would show people half as wide as they are."""
    assert max(_aspect_errors(plan_look([], size, STRETCH, 2))) < 1.01


def test_person_in_a_large_frame_takes_one_run_at_its_own_size() -> None:
    """60 px stay at least 48, and the input is filled with what is around the person."""
    plan = plan_look([(900, 500, 925, 560)], (1920, 1080), STRETCH, 2)
    ((tile,),) = plan.inputs
    x1, y1, x2, y2 = tile.window
    assert not plan.is_whole_frame
    assert tile.place[3] / (y2 - y1) >= 48 / 60 - 0.01
    assert (x2 - x1) * (y2 - y1) > 400 * 400


def test_people_at_both_ends_share_one_run() -> None:
    """Their windows lie side by side in one input."""
    plan = plan_look([(60, 500, 85, 560), (1800, 100, 1830, 170)], (1920, 1080), STRETCH, 2)
    (tiles,) = plan.inputs
    assert len(tiles) == 2


def test_crowd_everywhere_is_looked_at_as_a_whole() -> None:
    """When the windows would take more than they save, the frame itself is shown, without the extra overview."""
    crowd = [(float(x), float(y), x + 300.0, y + 200.0) for x in range(0, 1900, 320) for y in range(0, 1000, 220)]
    plan = plan_look(crowd, (1920, 1080), STRETCH, 2)
    assert plan.is_whole_frame
    assert len(plan.inputs) == 2


def test_windows_never_take_what_the_whole_frame_takes() -> None:
    """A 4:3 frame of 576 lines is one run as a whole, so there is nothing to win."""
    plan = plan_look([(100, 100, 130, 175)], (768, 576), STRETCH, 2)
    assert plan.is_whole_frame
    assert len(plan.inputs) == 1


def test_very_many_specks_are_looked_at_as_a_whole() -> None:
    """Planning a hundred windows would take longer than looking at everything."""
    specks = [(20.0 * number, 300.0, 20.0 * number + 4, 304.0) for number in range(90)]
    assert plan_look(specks, (1920, 1080), STRETCH, 2).is_whole_frame


@given(
    st.lists(st.tuples(st.floats(0, 1900), st.floats(0, 1060), st.floats(2, 600), st.floats(2, 600)), max_size=15),
    st.integers(1, 4),
)
def test_plan_keeps_to_its_runs_and_shows_every_area(boxes: list[tuple[float, ...]], max_runs: int) -> None:
    """Two squares are the most if the windows do not fit; nothing that was asked for is left out."""
    size = (1920, 1080)
    areas = [(x, y, min(x + w, 1920.0), min(y + h, 1080.0)) for x, y, w, h in boxes]
    plan = plan_look(areas, size, STRETCH, max_runs)
    assert len(plan.inputs) <= max(max_runs, 2)
    seen = _covered(plan, size)
    for x1, y1, x2, y2 in areas:
        assert seen[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].all()
    assert plan.is_whole_frame or max(_aspect_errors(plan)) < 1.2

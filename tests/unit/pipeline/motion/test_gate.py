"""What the motion gate sees, on drawn, synthetic and real pictures."""

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from winnow.pipeline.motion import Motion, MotionGate, Region
from winnow.pipeline.settings import MotionSettings
from winnow.pipeline.sources import FileSource, FrameSampler

CLIPS: Final = Path(__file__).parents[4] / "sample_videos"
RATE: Final = 5


def _scene(height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(90, 130, (height, width), dtype=np.uint8)


def _with_box(scene: NDArray[np.uint8], x: int, y: int, size: int = 80) -> NDArray[np.uint8]:
    picture = scene.copy()
    picture[y : y + size, x : x + size] = 220
    return picture


def _gate(**settings: Any) -> MotionGate:
    return MotionGate(MotionSettings(**settings))


def _watch_clip(name: str) -> dict[int, Motion]:
    """Return what a fresh gate says of each sampled frame, by frame index."""
    gate, sampler = _gate(), FrameSampler(RATE)
    with FileSource(CLIPS / name) as source:
        return {frame.index: gate.update(frame.luma()) for frame in source if sampler.takes(frame.stream_s)}


def _covers(region: Region, x: float, y: float) -> bool:
    left, top, width, height = region
    return left <= x <= left + width and top <= y <= top + height


def test_first_picture_is_learnt_and_not_judged() -> None:
    """Nothing is known before it, so it counts as new as a whole and has no regions."""
    assert _gate().update(_scene()) == Motion(regions=(), changed_fraction=1.0, is_global_change=True)


def test_same_picture_again_shows_no_motion() -> None:
    """Without change there is nothing to report."""
    gate = _gate()
    gate.update(_scene())
    assert gate.update(_scene()) == Motion(regions=(), changed_fraction=0.0, is_global_change=False)


def test_new_box_is_one_region_around_it() -> None:
    """The region covers the box and is at most two thinned pixels larger on each side."""
    gate = _gate()
    gate.update(_scene())
    motion = gate.update(_with_box(_scene(), 320, 240))
    (region,) = motion.regions
    assert region == pytest.approx((320 / 640, 240 / 480, 80 / 640, 80 / 480), abs=2 * 4 / 480)
    assert motion.changed_fraction == pytest.approx(80 * 80 / (640 * 480), rel=0.1)


def test_two_boxes_are_two_regions_largest_first() -> None:
    """What is not connected is reported apart."""
    gate = _gate()
    gate.update(_scene())
    picture = _with_box(_with_box(_scene(), 40, 40, size=60), 400, 300, size=120)
    first, second = gate.update(picture).regions
    assert _covers(first, 460 / 640, 360 / 480)
    assert _covers(second, 70 / 640, 70 / 480)


def test_change_below_the_threshold_is_ignored() -> None:
    """Where nothing was restless for five seconds, 12 grey levels are motion by default; 11 are noise."""
    for step, found in ((11, 0), (12, 1)):
        gate, picture = _gate(), _scene()
        for _ in range(26):
            gate.update(_scene())
        picture[100:200, 100:200] += step
        assert len(gate.update(picture).regions) == found


def test_area_below_the_minimum_is_ignored() -> None:
    """One percent of the frame is asked for, half a percent is seen."""
    small = _with_box(_scene(), 200, 200, size=39)
    for min_area, found in ((0.01, 0), (0.004, 1)):
        gate = _gate(min_area=min_area)
        gate.update(_scene())
        assert len(gate.update(small).regions) == found


def test_something_small_must_be_there_twice_unless_the_pictures_are_far_apart() -> None:
    """A drop of rain is gone 0.2 s later; in pictures two seconds apart, somebody far away is elsewhere each time."""
    for step_s, found in ((Fraction(1, 5), [0, 0, 0]), (Fraction(2), [1, 1, 1])):
        gate, at_s = _gate(), Fraction(0)
        for _ in range(30):
            gate.update(_scene(), at_s := at_s + step_s)
        places = [gate.update(_with_box(_scene(), x, 200, size=15), at_s := at_s + step_s) for x in (100, 200, 300)]
        assert [len(motion.regions) for motion in places] == found


def test_masked_area_hides_motion() -> None:
    """A tree inside a mask may move as it likes; the same motion outside is seen."""
    gate = _gate(masks=[[(0, 0), (0.5, 0), (0.5, 1), (0, 1)]])
    gate.update(_scene())
    assert gate.update(_with_box(_scene(), 100, 200)).regions == ()
    assert len(gate.update(_with_box(_scene(), 500, 200)).regions) == 1


def test_everything_masked_is_never_motion() -> None:
    """A mask over the whole picture leaves nothing to divide by, and nothing to see."""
    gate = _gate(masks=[[(0, 0), (1, 0), (1, 1), (0, 1)]])
    gate.update(_scene())
    assert gate.update(_with_box(_scene(), 100, 200)) == Motion(regions=(), changed_fraction=0, is_global_change=False)


def test_light_switch_is_learnt_instead_of_reported() -> None:
    """The whole picture brightens: no regions, and the next picture in the new light is quiet."""
    gate = _gate()
    gate.update(_scene())
    bright = _scene() + np.uint8(60)
    motion = gate.update(bright)
    assert motion.is_global_change
    assert motion.regions == ()
    assert motion.changed_fraction > 0.99
    assert gate.update(bright) == Motion(regions=(), changed_fraction=0.0, is_global_change=False)


def test_change_of_four_fifths_is_still_motion() -> None:
    """A lorry in front of the camera is reported until it fills more than 80 % of the picture."""
    gate = _gate()
    gate.update(_scene())
    picture = _scene()
    picture[: int(480 * 0.75)] = 220
    motion = gate.update(picture)
    assert not motion.is_global_change
    assert len(motion.regions) == 1


def test_change_of_size_is_learnt_instead_of_reported() -> None:
    """A camera that switches its resolution starts over."""
    gate = _gate()
    gate.update(_scene())
    assert gate.update(_scene(height=240, width=320)).is_global_change
    assert not gate.update(_scene(height=240, width=320)).is_global_change


def test_what_stays_becomes_background() -> None:
    """A box 90 to 130 grey levels above the ground is motion for 70 pictures, and part of the scene after 130."""
    gate = _gate()
    gate.update(_scene())
    picture = _with_box(_scene(), 320, 240)
    regions = [gate.update(picture).regions for _ in range(130)]
    assert all(regions[: 90 - 20])
    assert regions[-1] == ()


def test_what_passes_leaves_no_ghost() -> None:
    """Somebody who stands for ten seconds and leaves is not reported again where nobody is."""
    gate = _gate()
    for _ in range(30):
        gate.update(_scene())
    for _ in range(50):
        gate.update(_with_box(_scene(), 320, 240))
    assert gate.update(_scene()).regions == ()


def test_picture_is_neither_kept_nor_changed() -> None:
    """The gate may be given a view of the decoder's buffer, which is used again for the next picture."""
    gate, picture = _gate(), _scene()
    gate.update(picture)
    picture[:] = 0
    assert gate.update(_scene()).regions == ()


def test_same_pictures_give_the_same_answers() -> None:
    """Two gates that see the same clip agree in every frame and every digit."""
    assert _watch_clip("crossing_paths.mp4") == _watch_clip("crossing_paths.mp4")


def test_still_clip_is_silent() -> None:
    """Camera noise and compression alone are never motion."""
    answers = list(_watch_clip("still.mp4").values())
    assert len(answers) == 50
    assert all(not motion.regions and not motion.is_global_change for motion in answers[1:])


def test_moving_box_is_found_in_every_frame_and_nowhere_else() -> None:
    """While the box of the synthetic clip is in the picture there is one region around it; before and after, none."""
    truth = yaml.safe_load((CLIPS / "line_crossing.truth.yaml").read_text())
    moving = 0
    for index, motion in list(_watch_clip("line_crossing.mp4").items())[1:]:
        box = truth["frames"][index]["boxes"].get("red")
        if box is None:
            assert motion.regions == ()
        elif box[2] - box[0] == 32:
            moving += 1
            (region,) = motion.regions
            x1, y1, x2, y2 = box
            drawn = (x1 / 320, y1 / 192, (x2 - x1) / 320, (y2 - y1) / 192)
            assert region == pytest.approx(
                drawn, abs=3 / 96
            )  # 96 thinned rows: one joined on each side, one of rounding
    assert moving > 30


def test_walking_people_of_the_street_clip_are_found() -> None:
    """Four people that one sees at 47.4 s are inside regions; the lawn and places where people stood before are not."""
    people = [(0.58, 0.47), (0.59, 0.41), (0.74, 0.49), (0.87, 0.60)]
    empty = [(0.20, 0.75), (0.35, 0.45), (0.41, 0.41), (0.67, 0.35)]
    regions = _watch_clip("street.mp4")[474].regions
    assert [any(_covers(region, x, y) for region in regions) for x, y in people] == [True] * 4
    assert [any(_covers(region, x, y) for region in regions) for x, y in empty] == [False] * 4


def test_street_clip_has_motion_in_every_sampled_frame_and_no_global_change() -> None:
    """Somebody walks all the time, and the light never changes at once."""
    answers = list(_watch_clip("street.mp4").values())[1:]
    assert len(answers) == 397
    assert all(motion.regions for motion in answers)
    assert not any(motion.is_global_change for motion in answers)
    assert max(motion.changed_fraction for motion in answers) < 0.1


def test_small_picture_is_learnt_without_touching_it() -> None:
    """A picture that is not thinned out stays as it is: the background is the gate's own."""
    gate = MotionGate(MotionSettings())
    picture = np.full((120, 160), 90, np.uint8)
    picture.flags.writeable = False
    gate.update(picture)
    brighter = np.full((120, 160), 91, np.uint8)
    assert gate.update(brighter).regions == ()
    assert (picture == 90).all()

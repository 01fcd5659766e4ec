"""What the motion gate makes of drawn clips in which one knows where the only walker is.

A calm day first, then everything that has opened motion gates for nothing: sensor noise, a lamp that is switched, dusk,
the switch to infrared, lamps that flicker, rain, a tree in the wind, and encoders with too few bits.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.synthetic.clips import Clip, encode
from tests.synthetic.scenery import Walker, draw_street
from tests.synthetic.weather import noise
from tests.synthetic.weathers import INFRARED_AT_S, LAMP_AT_S, WALKER, weathers
from winnow.pipeline.motion import Motion, MotionGate, Region
from winnow.pipeline.settings import MotionSettings
from winnow.pipeline.sources import FileSource, FrameSampler

Watch = Callable[[str], dict[float, Motion]]
NAMES: Final = tuple(weathers())
SEEN_AFTER_S: Final = 0.6
"""The walker is looked for from here on: a region needs the picture before."""


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """Return a function that draws a clip and tells what the gate says, by seconds, five times a second."""
    folder: Path = tmp_path_factory.mktemp("weathers")

    @cache
    def recording(name: str) -> Path:
        return encode(weathers()[name].clip, folder / f"{name}.mp4")

    @cache
    def watched(name: str) -> dict[float, Motion]:
        masks = weathers()[name].masks
        gate, sampler = MotionGate(MotionSettings(masks=masks)), FrameSampler(5)
        with FileSource(recording(name.removesuffix(", masked"))) as source:
            return {
                float(frame.stream_s): gate.update(frame.luma()) for frame in source if sampler.takes(frame.stream_s)
            }

    return watched


def _covered(box: Region, regions: tuple[Region, ...]) -> float:
    """Return the share of points of a grid over the box (x1, y1, x2, y2) that lie in any region."""
    x1, y1, x2, y2 = box
    points = [(x1 + (x2 - x1) * (i + 0.5) / 6, y1 + (y2 - y1) * (j + 0.5) / 12) for i in range(6) for j in range(12)]
    inside = [any(x <= px <= x + w and y <= py <= y + h for x, y, w, h in regions) for px, py in points]
    return sum(inside) / len(inside)


@pytest.mark.parametrize("name", NAMES)
def test_walker_is_inside_a_region(watch: Watch, name: str) -> None:
    """In nearly every picture at least 60 % of the box of somebody 60 pixels of 1080 tall is covered."""
    clip = weathers()[name].clip
    seen = [
        _covered(clip.boxes(at_s)[0], motion.regions) >= 0.6
        for at_s, motion in watch(name).items()
        if WALKER.starts_s + SEEN_AFTER_S <= at_s < WALKER.ends_s
    ]
    assert len(seen) == 47
    assert sum(seen) / len(seen) >= weathers()[name].is_seen


@pytest.mark.parametrize("name", NAMES)
def test_gate_stays_shut_while_nobody_is_there(watch: Watch, name: str) -> None:
    """Of the pictures without the walker, next to none has a region; the first is learnt."""
    open_pictures = [
        bool(motion.regions)
        for at_s, motion in watch(name).items()
        if 0 < at_s < WALKER.starts_s or at_s >= WALKER.ends_s + SEEN_AFTER_S
    ]
    assert len(open_pictures) == 36
    assert sum(open_pictures) / len(open_pictures) <= weathers()[name].is_open


@pytest.mark.parametrize(("name", "times"), [("lamp", LAMP_AT_S), ("infrared", (INFRARED_AT_S,))])
def test_change_of_the_light_is_learnt_in_one_picture(watch: Watch, name: str, times: tuple[float, ...]) -> None:
    """The picture of the change is a global one, none before or after is, and no region reaches beyond the walker."""
    answers = watch(name)
    assert tuple(at_s for at_s, motion in answers.items() if motion.is_global_change) == (0.0, *times)
    for at_s in times:
        for motion in (answers[at_s], answers[at_s + 0.2]):
            assert sum(w * h for _, _, w, h in motion.regions) < 0.01


def test_person_of_60_pixels_is_found_in_1080_rows(tmp_path: Path) -> None:
    """Somebody in a grey coat, 30 levels darker than the pavement, is inside a region from the third picture on."""
    walker = Walker(starts_s=4, ends_s=9, shade=-30)
    clip = Clip(street=draw_street(1920, 1080), seconds=9, fps=5, walkers=(walker,), effects=(noise(3),))
    gate = MotionGate(MotionSettings())
    with FileSource(encode(clip, tmp_path / "clip.mp4")) as source:
        answers = {float(frame.stream_s): gate.update(frame.luma()) for frame in source}
    seen = [_covered(clip.boxes(at_s)[0], motion.regions) for at_s, motion in answers.items() if at_s >= 4.5]
    assert len(seen) == 22
    assert sum(share >= 0.6 for share in seen) >= 21
    assert not any(motion.regions for at_s, motion in answers.items() if at_s < 4)


def test_regions_are_no_larger_than_needed(watch: Watch) -> None:
    """On a calm day all regions together are at most four times as large as the walker's box."""
    clip = weathers()["still"].clip
    for at_s, motion in watch("still").items():
        for x1, y1, x2, y2 in clip.boxes(at_s):
            assert sum(w * h for _, _, w, h in motion.regions) <= 4 * (x2 - x1) * (y2 - y1)

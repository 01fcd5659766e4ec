"""The synthetic clips show exactly what their truth files say."""

import hashlib
import importlib.util
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
import yaml

from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import FileSource
from winnow.pipeline.testing import ColourBoxDetector

FOLDER: Final = Path(__file__).parents[3] / "sample_videos"
CLIPS: Final = (
    "arrivals",
    "crossing_paths",
    "damaged",
    "line_crossing",
    "still",
    "truncated",
    "variable_rate",
    "zone_visit",
)


def _truth(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.truth.yaml").read_text())
    return document


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_synthetic", FOLDER / "build_synthetic.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _anchor_time(truth: dict[str, Any], colour: str, x: float) -> list[Fraction]:
    """Return when the middle of a box passes `x` pixels, by interpolation between the two frames around it."""
    whole = [
        (Fraction(str(frame["at_s"])), Fraction(box[0] + box[2], 2))
        for frame in truth["frames"]
        if (box := frame["boxes"].get(colour)) and box[0] > 0 and box[2] < truth["width"]
    ]
    return [
        before_s + (Fraction(str(x)) - before_x) / (after_x - before_x) * (after_s - before_s)
        for (before_s, before_x), (after_s, after_x) in pairwise(whole)
        if (before_x - x) * (after_x - x) < 0
    ]


def _times(truth: dict[str, Any]) -> dict[str, Fraction]:
    return {happening["what"]: Fraction(str(happening["at_s"])) for happening in truth["happenings"]}


def test_every_clip_has_its_truth_and_every_truth_its_clip() -> None:
    """No clip without truth, no truth without a clip; the street clip is real and has none."""
    assert sorted(path.name for path in FOLDER.glob("*.truth.yaml")) == [f"{name}.truth.yaml" for name in CLIPS]
    assert sorted(path.stem for path in FOLDER.glob("*.mp4") if path.stem != "street") == list(CLIPS)


@pytest.mark.parametrize("name", CLIPS)
def test_truth_belongs_to_the_clip_beside_it(name: str) -> None:
    """The checksum in the truth file is the clip's own."""
    assert _truth(name)["sha256"] == hashlib.sha256((FOLDER / f"{name}.mp4").read_bytes()).hexdigest()


@pytest.mark.parametrize("name", CLIPS)
def test_clip_gives_every_usable_frame_at_its_time(name: str) -> None:
    """Index and time of each frame are exactly those of the truth file, variable rate and damage included."""
    truth = _truth(name)
    unusable = truth.get("unusable_frames", [])
    expected = [
        (frame["index"], Fraction(str(frame["at_s"]))) for frame in truth["frames"] if frame["index"] not in unusable
    ]
    with FileSource(FOLDER / f"{name}.mp4") as source:
        assert [(frame.index, frame.stream_s) for frame in source] == expected


@pytest.mark.parametrize("name", CLIPS)
def test_colour_boxes_are_found_where_the_truth_puts_them(name: str) -> None:
    """Every box that is not hidden is found within 2 pixels of its truth, and nothing else is."""
    truth = _truth(name)
    detector = ColourBoxDetector({"red": "red", "blue": "blue"})
    checked = 0
    with FileSource(FOLDER / f"{name}.mp4") as source:
        for frame in source:
            boxes = truth["frames"][frame.index]["boxes"]
            if len(boxes) > 1 and boxes["red"][0] <= boxes["blue"][2] and boxes["blue"][0] <= boxes["red"][2]:
                continue  # one hides part of the other
            visible = {colour: box for colour, box in boxes.items() if box[2] - box[0] >= 4}
            found = detector.detect([frame.bgr()])[0]
            labels = [detector.card.labels[class_id] for class_id in found.class_ids]
            assert set(visible) <= set(labels) <= set(boxes)
            for label, box in zip(labels, found.boxes_xyxy.tolist(), strict=True):
                assert box == pytest.approx(boxes[label], abs=2)
            checked += 1
    assert checked >= 70


@pytest.mark.parametrize("name", ["line_crossing", "variable_rate", "damaged", "truncated"])
def test_truth_tells_when_the_line_is_crossed(name: str) -> None:
    """The anchor passes the line once, exactly when the truth says."""
    truth = _truth(name)
    line_x = truth["line"]["from"][0] * truth["width"]
    assert line_x == truth["line"]["to"][0] * truth["width"]
    assert _anchor_time(truth, "red", line_x) == [_times(truth)["red crosses the line, moving right"]]


def test_truth_tells_when_the_zone_is_entered_and_left() -> None:
    """The anchor passes the zone's left edge on the way in and its right edge on the way out."""
    truth, times = _truth("zone_visit"), _times(_truth("zone_visit"))
    (left, top), _, (right, bottom), _ = truth["zone"]
    assert _anchor_time(truth, "red", left * truth["width"]) == [times["red enters the zone"]]
    assert _anchor_time(truth, "red", right * truth["width"]) == [times["red leaves the zone"]]
    ground = {frame["boxes"]["red"][3] for frame in truth["frames"] if frame["boxes"]}
    assert all(top * truth["height"] < y < bottom * truth["height"] for y in ground)


def test_truth_tells_when_both_arrive_and_leave() -> None:
    """Each anchor passes the edges of street and drive when the truth says; the rules are right settings."""
    truth, times = _truth("arrivals"), _times(_truth("arrivals"))
    zones = CameraSettings.model_validate({"source": "x", **truth["rules"]}).zones
    for colour in ("red", "blue"):
        for what, x in (
            ("enters street", zones["street"].points[0][0]),
            ("goes from street to drive", zones["drive"].points[0][0]),
            ("leaves drive", zones["drive"].points[1][0]),
        ):
            assert _anchor_time(truth, colour, x * truth["width"]) == [times[f"{colour} {what}"]]


def test_truth_tells_how_long_the_box_stands_in_the_zone() -> None:
    """Between 5 s and 7 s the box does not move, just before and just after it does."""
    frames = {frame["at_s"]: frame["boxes"].get("red") for frame in _truth("zone_visit")["frames"]}
    assert frames[4.9] != frames[5.0] == frames[6.0] == frames[7.0] != frames[7.1]


def test_truth_tells_while_the_boxes_overlap() -> None:
    """The boxes share pixels in exactly the frames between the two times."""
    truth = _truth("crossing_paths")
    times = _times(truth)
    begin, end = times["red and blue begin to overlap, blue in front"], times["red and blue are apart again"]
    for frame in truth["frames"]:
        boxes = frame["boxes"]
        overlaps = len(boxes) == 2 and boxes["red"][0] < boxes["blue"][2] and boxes["blue"][0] < boxes["red"][2]
        assert overlaps == (begin < Fraction(str(frame["at_s"])) < end)


def test_rebuilding_gives_the_same_truth(tmp_path: Path) -> None:
    """The truth files in the folder are the script's own, whatever build of the encoder draws the clips."""
    _script().build(tmp_path)
    for name in CLIPS:
        rebuilt: dict[str, Any] = yaml.safe_load((tmp_path / f"{name}.truth.yaml").read_text())
        kept = _truth(name)
        rebuilt.pop("sha256")
        kept.pop("sha256")
        assert rebuilt == kept


def test_drawing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """One encoder thread, no time stamps, a seeded generator: the noisy clip comes out the same every time."""
    script = _script()
    scene = next(scene for scene in script.scenes() if scene.name == "still")
    script.draw_clip(scene, tmp_path / "first.mp4")
    script.draw_clip(scene, tmp_path / "second.mp4")
    assert (tmp_path / "first.mp4").read_bytes() == (tmp_path / "second.mp4").read_bytes()

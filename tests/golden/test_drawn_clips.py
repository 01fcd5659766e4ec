"""The drawn clips give exactly their expected events, and those agree with what was drawn."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.golden.drawn_clips import CLIPS, event_lines, expected_path, replayed, truth_of
from winnow.events import Thumbnail
from winnow.pipeline.detection import DetectionScheduler
from winnow.pipeline.testing import ColourBoxDetector

START = datetime(1970, 1, 1, tzinfo=UTC)
OFF_BY_S = 0.05
"""Boxes are whole pixels and compressed; at 40 pixels a second an error of 2 pixels is as long."""


def _reported(clip: str, kind: str) -> list[tuple[float, dict[str, Any]]]:
    events = [json.loads(line) for line in event_lines(replayed(clip))]
    return [
        ((datetime.fromisoformat(event["time"]) - START).total_seconds(), event["data"])
        for event in events
        if event["type"] == f"winnow.{kind}.v1"
    ]


@pytest.mark.parametrize("clip", CLIPS)
def test_clip_gives_its_expected_events(clip: str) -> None:
    """Every event of the clip is the expected one, byte for byte; `python -m tests.golden.drawn_clips` writes them."""
    assert event_lines(replayed(clip)) == expected_path(clip).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("clip", CLIPS)
def test_speed_changes_nothing(clip: str) -> None:
    """Events and thumbnails are the same when the clip is held back to a speed."""
    assert replayed(clip, speed=5000.0) == replayed(clip)


def test_sharing_a_detector_changes_nothing() -> None:
    """Four cameras in four threads that take turns at one detector report what each reports alone."""
    scheduler = DetectionScheduler([ColourBoxDetector()])
    clips = ("crossing_paths", "line_crossing", "variable_rate", "zone_visit")
    with ThreadPoolExecutor(len(clips)) as pool:
        shared = pool.map(lambda clip: replayed(clip, detector=scheduler.detector_for(clip)), clips)
        assert dict(zip(clips, shared, strict=True)) == {clip: replayed(clip) for clip in clips}


@pytest.mark.parametrize("clip", ["line_crossing", "variable_rate", "damaged", "truncated"])
def test_line_is_crossed_once_when_it_was_drawn(clip: str) -> None:
    """One crossing, at the moment that the truth tells, between two frames, in the direction that was drawn."""
    (drawn,) = (one["at_s"] for one in truth_of(clip)["happenings"] if "crosses the line" in one["what"])
    ((at_s, data),) = _reported(clip, "line.crossed")
    assert at_s == pytest.approx(drawn, abs=OFF_BY_S)
    assert data["direction"] == "out"  # the line points down, so its right side is the picture's left


def test_zone_is_entered_and_left_once_when_it_was_drawn() -> None:
    """One visit, from and to the moments that the truth tells; its dwell time is the drawn one."""
    drawn = {one["what"]: one["at_s"] for one in truth_of("zone_visit")["happenings"]}
    ((entered_s, _),) = _reported("zone_visit", "zone.entered")
    ((exited_s, data),) = _reported("zone_visit", "zone.exited")
    assert entered_s == pytest.approx(drawn["red enters the zone"], abs=OFF_BY_S)
    assert exited_s == pytest.approx(drawn["red leaves the zone"], abs=OFF_BY_S)
    assert data["dwell_s"] == pytest.approx(9.05 - 3.85, abs=OFF_BY_S)


def test_two_boxes_that_pass_each_other_stay_two_objects() -> None:
    """Neither is lost or renamed while one hides part of the other."""
    assert [data["label"] for _, data in _reported("crossing_paths", "object.started")] == ["person", "car"]
    assert len(_reported("crossing_paths", "object.ended")) == 2


def test_still_clip_gives_no_object() -> None:
    """Noise is not an object."""
    assert _reported("still", "object.started") == []


def test_thumbnails_belong_to_events_of_the_clip() -> None:
    """A drawn walker looks the same all the time: one picture is enough, and it names an event that the clip gave."""
    messages = replayed("line_crossing")
    thumbnails = [one for one in messages if isinstance(one, Thumbnail)]
    assert len(thumbnails) == 1
    assert {one.event_id for one in thumbnails} <= {one.id for one in messages}


def test_every_kind_of_rule_tells_what_was_drawn() -> None:
    """Two arrivals, one long stay, two at once, each at its drawn moment; other rules stay silent."""
    drawn = {one["what"]: one["at_s"] for one in truth_of("arrivals")["happenings"]}
    enters = {"person": drawn["red goes from street to drive"], "car": drawn["blue goes from street to drive"]}
    leaves = {"person": drawn["red leaves drive"], "car": drawn["blue leaves drive"]}

    def told(kind: str, **about: str) -> list[tuple[str, float]]:
        found = [one for one in _reported("arrivals", kind) if about.items() <= one[1].items()]
        return [(data.get("label") or data["state"], at_s) for at_s, data in found]

    def drawn_at(*expected: tuple[str, float]) -> list[tuple[str, object]]:
        return [(label, pytest.approx(at_s, abs=OFF_BY_S)) for label, at_s in expected]

    both = drawn_at(*enters.items())
    assert told("zone.entered", zone="drive") == told("sequence.completed", name="arrival") == both
    assert told("line.crossed", line="by-night") == both
    assert told("line.crossed", line="cars") == drawn_at(("car", enters["car"]))
    assert told("zone.exited", zone="drive") == drawn_at(("car", leaves["car"]), ("person", leaves["person"]))
    assert told("zone.dwelled") == drawn_at(("person", enters["person"] + 5))
    assert told("zone.occupancy") == drawn_at(("above", enters["car"]), ("below", leaves["car"]))
    named = {
        data.get("line", data.get("zone"))
        for kind in ("line.crossed", "zone.entered")
        for _, data in _reported("arrivals", kind)
    }
    assert named == {"street", "drive", "cars", "by-night"}, "the other rules of the clip have nothing to say"

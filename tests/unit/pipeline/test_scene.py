"""A camera's scene from detections to happenings and pictures."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from winnow.detectors import Detections
from winnow.events.data import (
    KIND_OF,
    LineCrossed,
    ModelRef,
    ObjectEnded,
    ObjectStarted,
    ZoneDwelled,
    ZoneEntered,
    ZoneExited,
    ZoneOccupancy,
)
from winnow.events.jpeg import jpeg_size
from winnow.pipeline.detection import Look
from winnow.pipeline.scene import Happening, Picture, Scene
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.thumbnails.redaction import Region, part_of

LABELS = ("person", "car", "kite")
FRAME = (640, 480)
STARTS_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FPS = 5
Box = tuple[float, float, float, float]
Told = list[Happening | Picture]

SETTINGS = CameraSettings.model_validate(
    {
        "source": "street.mp4",
        "labels": ["person", "car"],
        "lines": {"kerb": {"points": [[0.5, 0.0], [0.5, 1.0]]}},
        "zones": {"yard": {"points": [[0.6, 0.0], [0.9, 0.0], [0.9, 1.0], [0.6, 1.0]]}},
    }
)


class Stage:
    """A scene, the time, and a grey picture."""

    def __init__(self, settings: CameraSettings = SETTINGS, *, fps: int = FPS) -> None:
        self.fps = fps
        self.scene = Scene(
            settings,
            labels=LABELS,
            model=ModelRef(name="fake", sha256="0" * 64),
            frame_size=FRAME,
            clock="file",
            moment=lambda at_s: STARTS_AT + timedelta(microseconds=round(at_s * 1_000_000)),
        )
        self.index = -1
        self.told: Told = []
        self.pictures_asked_for = 0

    @property
    def at_s(self) -> Fraction:
        """Stream time of the last frame."""
        return Fraction(self.index, self.fps)

    def show(self, *boxes: Box, class_id: int = 0, score: float = 0.8) -> None:
        """Show a frame with objects."""
        self.index += 1
        detections = Detections(
            boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), score, np.float32),
            class_ids=np.full(len(boxes), class_id, np.int32),
        )
        self.told += self.scene.observe(self.at_s, Look.at_whole_frame(detections), self.picture)

    def rest(self, frames: int) -> None:
        """Show frames in which nothing moves."""
        for _ in range(frames):
            self.index += 1
            self.told += self.scene.coast(self.at_s)

    def picture(self, part: Region) -> NDArray[np.uint8]:
        """Return the pixels of the frame."""
        self.pictures_asked_for += 1
        return part_of(np.full((FRAME[1], FRAME[0], 3), 127, np.uint8), part)

    def finish(self, reason: Literal["stream", "stopped"] = "stream") -> None:
        """End the stream."""
        self.told += self.scene.finish(self.at_s, reason)

    def kinds(self) -> list[str]:
        """Return what was told, pictures included."""
        return [
            f"picture of {told.belongs_to}" if isinstance(told, Picture) else KIND_OF[type(told.data)]
            for told in self.told
        ]


def walker(step: float) -> Box:
    """Return somebody who walks from left to right at 50 pixels a second."""
    x = 200 + 10 * step
    return x, 200, x + 40, 300


def walk_through() -> Stage:
    """Return a scene after somebody walked across the line, through the zone and out of the picture."""
    stage = Stage()
    for step in range(42):
        stage.show(walker(step))
    for _ in range(6 * FPS):
        stage.show()
    return stage


def test_walk_through_the_scene_is_told_once() -> None:
    """One start, one crossing, one visit with an update when the zones change, one end.

    Whoever never comes closer has one picture, not the same one twice.
    """
    assert walk_through().kinds() == [
        "object.started",
        "picture of object.started",
        "line.crossed",
        "zone.entered",
        "object.updated",
        "zone.exited",
        "object.updated",
        "object.ended",
    ]


def test_walk_through_the_scene_is_told_as_it_was() -> None:
    """Direction, dwell, first and last seen, path, zones and reason are those of the walk."""
    happenings = [told for told in walk_through().told if isinstance(told, Happening)]
    by_type = {type(told.data): told.data for told in happenings}
    crossed, left, ended = by_type[LineCrossed], by_type[ZoneExited], by_type[ObjectEnded]
    assert isinstance(crossed, LineCrossed)
    assert crossed.direction == "out"
    assert isinstance(left, ZoneExited)
    assert left.dwell_s == pytest.approx(192 / 50, abs=0.5)
    assert isinstance(ended, ObjectEnded)
    assert ended.first_seen == STARTS_AT
    assert ended.last_seen == STARTS_AT + timedelta(seconds=41 / FPS)
    assert (ended.dwell_s, ended.zones, ended.reason, ended.top_score) == (41 / FPS, ["yard"], "lost", 0.8)
    assert ended.picture == "object.started"
    assert ended.path[0].x == pytest.approx(220 / 640, abs=0.01)
    assert ended.path[-1].x == pytest.approx(630 / 640, abs=0.01)
    assert all(told.subject == "person/1" for told in happenings)


def test_times_are_those_of_the_scene_and_revisions_count() -> None:
    """What is seen is told at once; what a rule says carries its own moment, seconds earlier at most, in order too."""
    stage = Stage()
    for step in range(200):
        stage.show(walker(abs(step % 80 - 40)))
    stage.finish()
    happenings = [told for told in stage.told if isinstance(told, Happening)]
    seen = [told.at_s for told in happenings if isinstance(told.data, ObjectStarted | ObjectEnded)]
    ruled = [told.at_s for told in happenings if isinstance(told.data, LineCrossed | ZoneEntered | ZoneExited)]
    assert (seen, ruled) == (sorted(seen), sorted(ruled))
    for before, told in pairwise(happenings):
        assert told.at_s > before.at_s - 2
    revisions: dict[str, list[int]] = {}
    for told in happenings:
        revisions.setdefault(KIND_OF[type(told.data)], []).append(told.revision)
    assert len(revisions["line.crossed"]) > 2
    assert all(numbers == list(range(len(numbers))) for numbers in revisions.values())


def test_same_scene_gives_the_same_bytes() -> None:
    """Twice the same detections: the same happenings, the same JPEG bytes."""
    first, second = walk_through().told, walk_through().told
    assert first == second
    encoded = [msgspec.json.encode(told.data) for told in first if isinstance(told, Happening)]
    assert encoded == [msgspec.json.encode(told.data) for told in second if isinstance(told, Happening)]


def test_line_crossed_before_the_start_is_told_with_it() -> None:
    """An object is confirmed only after some frames; what it did in them counts, but not before it is confirmed."""
    stage = Stage()
    for step in range(12):
        x = 220 + 30 * step
        stage.show((x, 200, x + 40, 300), score=0.45 if step < 6 else 0.9)
        if step == 8:
            assert stage.told == []
    kinds = stage.kinds()
    assert kinds.count("line.crossed") == 1
    assert kinds.index("object.started") < kinds.index("line.crossed")


def test_sign_taken_for_a_person_is_never_told() -> None:
    """It scores well, in every frame, and never moves."""
    stage = Stage()
    for _ in range(100):
        stage.show((100, 100, 130, 180))
    stage.finish()
    assert stage.told == []


def test_parked_car_is_one_object_until_it_leaves() -> None:
    """It comes, stands for ten minutes of which the detector sees every tenth second, and drives off."""
    stage = Stage()
    for step in range(20):
        stage.show((100 + 8 * step, 200, 300 + 8 * step, 300), class_id=1)
    looks = 0
    for _ in range(600 * FPS):
        if stage.scene.needs_detection(stage.at_s + Fraction(1, FPS)):
            stage.show((252, 200, 452, 300), class_id=1)
            looks += 1
        else:
            stage.rest(1)
    for step in range(60):
        stage.show((252 + 10 * step, 200, 452 + 10 * step, 300), class_id=1)
    for _ in range(6 * FPS):
        stage.show()
    kinds = stage.kinds()
    assert (kinds.count("object.started"), kinds.count("object.ended")) == (1, 1)
    assert looks < 120


def test_labels_that_nobody_asked_for_are_ignored() -> None:
    """A kite is no object of this camera; without any labels in the settings everything is."""
    for wanted, started in ((SETTINGS, 0), (SETTINGS.model_copy(update={"labels": ()}), 1)):
        stage = Stage(wanted)
        for step in range(30):
            stage.show(walker(step), class_id=2)
        assert stage.kinds().count("object.started") == started


@pytest.mark.parametrize("reason", ["stream", "stopped"])
def test_finish_ends_open_objects(reason: Literal["stream", "stopped"]) -> None:
    """Whoever is still there ends with the stream: exits, end, picture, and nothing after it."""
    stage = Stage()
    for step in range(25):
        stage.show(walker(step))
    stage.told.clear()
    stage.finish(reason)
    assert stage.kinds() == ["zone.exited", "object.ended"]
    ended = [told.data for told in stage.told if isinstance(told, Happening) and isinstance(told.data, ObjectEnded)]
    assert [data.reason for data in ended] == [reason]
    assert stage.scene.finish(stage.at_s, reason) == []


def test_early_picture_comes_within_two_seconds_of_the_start() -> None:
    """Also when the detector sleeps right after the start."""
    stage = Stage()
    while "object.started" not in stage.kinds():
        stage.show(walker(stage.index + 1))
    started_s = stage.at_s
    while "picture of object.started" not in stage.kinds():
        stage.rest(1)
    assert stage.at_s - started_s <= 2


def test_pictures_keep_the_settings_limits() -> None:
    """Side and size of every picture."""
    pictures = [told for told in walk_through().told if isinstance(told, Picture)]
    assert len(pictures) == 1
    assert all(max(jpeg_size(picture.jpeg)) <= 320 and len(picture.jpeg) <= 8 * 1024 for picture in pictures)


def test_no_images_means_none() -> None:
    """Then no pixel is even asked for."""
    thumbnails = SETTINGS.thumbnails.model_copy(update={"redaction": "no-images"})
    stage = Stage(SETTINGS.model_copy(update={"thumbnails": thumbnails}))
    for step in range(30):
        stage.show(walker(step))
    stage.finish()
    assert "object.ended" in stage.kinds()
    assert not any(isinstance(told, Picture) for told in stage.told)
    assert stage.pictures_asked_for == 0


def test_event_of_an_object_names_model_clock_and_frame() -> None:
    """Who found it, what its time rests on, which picture the box refers to."""
    stage = walk_through()
    started = next(told.data for told in stage.told if isinstance(told, Happening))
    assert isinstance(started, ObjectStarted)
    assert (started.label, started.track, started.frame, started.clock) == ("person", 1, FRAME, "file")
    assert started.model == ModelRef(name="fake", sha256="0" * 64)
    assert all(0 <= number <= 1 and number == round(number, 4) for number in (*started.box, started.score))


def test_ended_objects_leave_nothing_behind() -> None:
    """A hundred walkers later the scene knows as much as before the first."""
    stage = walk_through()
    scene = stage.scene
    assert not scene._told
    assert not scene._objects._known
    assert not scene._album._kept
    assert not scene._album._early_due_s
    assert not any(zone.memory.zone._visitors for zone in scene._rules._zones)
    assert not any(line.memory._crossers for line in scene._rules._lines)
    assert len(scene._tracker._table) == 0


def test_zone_entered_names_the_zone() -> None:
    """The name in the settings is the name in the event."""
    entered = [told.data for told in walk_through().told if isinstance(told, Happening)]
    assert [data.zone for data in entered if isinstance(data, ZoneEntered)] == ["yard"]


@pytest.mark.parametrize(("room", "pictures"), [(20, 0), (40, 1)])
def test_picture_is_taken_only_where_the_detector_looked_all_around(room: float, pictures: int) -> None:
    """Whoever stands just beside a window is not known, so nothing close to its border is shown."""
    stage = Stage()
    for step in range(20):
        stage.index += 1
        x1, y1, x2, y2 = walker(step)
        found = Detections(
            boxes_xyxy=np.array([(x1, y1, x2, y2)], np.float32),
            scores=np.array([0.8], np.float32),
            class_ids=np.zeros(1, np.int32),
        )
        window = np.array([(x1 - room, y1 - room, x2 + room, y2 + room)], np.float64)
        look = Look(detections=found, cut=Detections.empty(), windows_xyxy=window, is_whole_frame=False)
        stage.told += stage.scene.observe(stage.at_s, look, stage.picture)
    assert stage.kinds().count("object.started") == 1
    assert stage.kinds().count("picture of object.started") == pictures


def test_cut_off_person_is_redacted() -> None:
    """A box that a window's border cuts starts no object, but a picture of somebody beside it hides its head."""
    stage = Stage()
    people = stage.scene._people(
        Look(
            detections=Detections.empty(),
            cut=Detections(
                boxes_xyxy=np.array([(10, 20, 30, 60), (50, 20, 90, 60)], np.float32),
                scores=np.array([0.3, 0.2], np.float32),
                class_ids=np.array([0, 1], np.int32),
            ),
            windows_xyxy=np.array([(0, 0, 100, 100)], np.float64),
            is_whole_frame=False,
        ),
        stage.scene._tracker.coast(Fraction(0)),
    )
    assert people == [(10.0, 20.0, 30.0, 60.0)]


def busy_yard() -> CameraSettings:
    """Return a yard that tells of dwell and of its first visitor."""
    yard = SETTINGS.zones["yard"]
    zone = {**yard.model_dump(), "dwell_s": 20, "occupancy": {"threshold": 1}}
    return CameraSettings.model_validate({**SETTINGS.model_dump(), "zones": {"yard": zone}})


def test_dwell_is_told_while_nothing_moves() -> None:
    """Somebody walks into the yard and stands still; the detector sleeps, and stream time goes on."""
    stage = Stage(busy_yard())
    for step in range(26):
        stage.show(walker(step))
    looks = 0
    while "zone.dwelled" not in stage.kinds():
        if stage.scene.needs_detection(stage.at_s + Fraction(1, FPS)):
            stage.show(walker(25))
            looks += 1
        else:
            stage.rest(1)
    assert looks < 10 * FPS
    happenings = [told for told in stage.told if isinstance(told, Happening)]
    entered = next(told for told in happenings if isinstance(told.data, ZoneEntered))
    dwelled = happenings[-1]
    assert isinstance(dwelled.data, ZoneDwelled)
    assert (dwelled.at_s, dwelled.data.dwell_s) == (entered.at_s + 20, 20)
    assert 0 <= stage.at_s - dwelled.at_s <= Fraction(1, FPS)


def test_occupancy_is_about_nobody_and_ends_with_the_stream() -> None:
    """Its events have no subject, but numbers of their own; the last one says that the zone is empty."""
    stage = Stage(busy_yard())
    for step in range(26):
        stage.show(walker(step))
    stage.finish()
    told = [one for one in stage.told if isinstance(one, Happening) and isinstance(one.data, ZoneOccupancy)]
    said = [(one.subject, one.revision, one.data.state) for one in told if isinstance(one.data, ZoneOccupancy)]
    assert said == [(None, 0, "above"), (None, 1, "below")]
    assert stage.told[-1] is told[-1]


def test_people_outside_the_windows_are_remembered_from_the_last_look_at_everything() -> None:
    """Also those too weak to be followed; where a window shows anew whether somebody is there, it alone is believed."""
    stage = Stage()
    weak = Detections(
        boxes_xyxy=np.array([(10, 20, 30, 60), (300, 20, 330, 90)], np.float32),
        scores=np.array([0.2, 0.12], np.float32),
        class_ids=np.zeros(2, np.int32),
    )
    nobody = stage.scene._tracker.coast(Fraction(0))
    stage.scene._people(Look.at_whole_frame(weak), nobody)
    window = Look(
        detections=Detections.empty(),
        cut=Detections.empty(),
        windows_xyxy=np.array([(200, 0, 640, 480)], np.float64),
        is_whole_frame=False,
    )
    assert stage.scene._people(window, nobody) == [(10.0, 20.0, 30.0, 60.0)]


@settings(max_examples=12, deadline=None)
@given(
    rate=st.integers(4, 30),
    missed=st.sampled_from([0.0, 0.1, 0.25]),
    trembling_px=st.sampled_from([0.0, 2.0, 4.0]),
    seed=st.integers(0, 2**16),
)
def test_walker_is_counted_once_at_any_rate(rate: int, missed: float, trembling_px: float, seed: int) -> None:
    """Detector to event: a trembling, flickering walk through line and zone is one crossing and one visit."""
    random, stage = Random(seed), Stage(busy_yard(), fps=rate)
    for step in range(13 * rate):
        x1, y1, x2, y2 = (edge + random.uniform(-trembling_px, trembling_px) for edge in walker(5 * step / rate - 20))
        stage.show(*([] if random.random() < missed else [(x1, y1, x2, y2)]))
    for _ in range(6 * rate):
        stage.show()
    stage.finish()
    kinds = stage.kinds()
    counted = {kind: kinds.count(kind) for kind in ("line.crossed", "zone.entered", "zone.exited", "zone.dwelled")}
    assert counted == {"line.crossed": 1, "zone.entered": 1, "zone.exited": 1, "zone.dwelled": 0}
    assert kinds.count("zone.occupancy") == 2

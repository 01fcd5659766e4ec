"""A camera whose settings change while a red box walks through the picture from left to right."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Self

import numpy as np
import pytest

from winnow.events import Event, Thumbnail
from winnow.events.data import LineCrossed, ObjectEnded, ZoneEntered, ZoneExited
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, LineSettings, ThumbnailSettings, TrackingSettings, ZoneSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MIDDLE = {"middle": LineSettings(points=((0.5, 1.0), (0.5, 0.0)))}
LEFT = ZoneSettings(points=((0.0, 0.0), (0.45, 0.0), (0.45, 1.0), (0.0, 1.0)))
LATE = {"late": LineSettings(points=((0.8, 1.0), (0.8, 0.0)))}
SETTINGS = CameraSettings(source="scripted", labels=("person", "car"), lines=MIDDLE, zones={"left": LEFT})
IN_LEFT_ZONE_FRAME = 35
CHANGES_AT_FRAME = IN_LEFT_ZONE_FRAME


class ChangingSource(ScriptedSource):
    """Changes the camera's settings just before the frames of the given numbers are read."""

    camera: Camera
    accepted: list[Message]
    opened = 0
    accepted_before = 0

    def __init__(self, frames: Sequence[Frame], changes: dict[int, CameraSettings]) -> None:
        super().__init__(frames)
        self._changes = changes

    def __enter__(self) -> Self:
        """Count how often the source is opened."""
        self.opened += 1
        super().__enter__()
        return self

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Change the settings if it is time for it, then read."""
        change = self._changes.get(self.stats.frames_decoded)
        if change is not None:
            self.camera.change(change)
            self.accepted_before = len(self.accepted)
        return super().read(timeout_s)


def _walk() -> list[Frame]:
    """Return frames in which the box grows by half as it walks, so that it is worth a second picture."""
    frames = []
    for index in range(130):
        picture = np.full((240, 320, 3), 128, np.uint8)
        left = -40 + 4 * index
        picture[max(0, 100 - index) : 180 + index // 4, max(0, left) : max(0, left + 40)] = (0, 0, 255)
        frames.append(Frame.from_bgr(picture, index=index, starts_at=NOON))
    return frames


def _run(changes: dict[int, CameraSettings], first: CameraSettings = SETTINGS) -> tuple[list[Message], ChangingSource]:
    accepted: list[Message] = []
    source = ChangingSource(_walk(), changes)
    source.accepted = accepted
    source.camera = Camera(
        CameraPlan(node="n", name="c", settings=first, footage="f"),
        source=source,
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=ManualClock(),
        pace=Pace(None),
    )
    source.camera.run(Flag())
    return accepted, source


def _events(messages: Sequence[Message]) -> list[Event]:
    return [message for message in messages if isinstance(message, Event)]


def _told(messages: Sequence[Message]) -> Counter[str]:
    return Counter(event.kind for event in _events(messages))


def _changed(**keys: object) -> CameraSettings:
    return SETTINGS.model_copy(update=keys)


@pytest.mark.parametrize(
    "changed",
    [
        _changed(lines={**MIDDLE, **LATE}),
        _changed(analysed_fps=10.0),
        _changed(thumbnails=ThumbnailSettings(redaction="people")),
    ],
)
def test_object_lives_on_through_a_change_of_rules_rate_or_pictures(changed: CameraSettings) -> None:
    """One object starts and ends once, crosses the line once, and the source is opened once."""
    accepted, source = _run({CHANGES_AT_FRAME: changed})
    told = _told(accepted)
    assert (told["object.started"], told["object.ended"], told["zone.entered"], told["zone.exited"]) == (1, 1, 1, 1)
    assert [event.data.line for event in _events(accepted) if isinstance(event.data, LineCrossed)].count("middle") == 1
    assert source.opened == 1


def test_new_line_counts_what_crosses_it_afterwards() -> None:
    """A line that is drawn while somebody walks towards it sees them cross."""
    accepted, _ = _run({CHANGES_AT_FRAME: _changed(lines={**MIDDLE, **LATE})})
    crossed = [event.data.line for event in _events(accepted) if isinstance(event.data, LineCrossed)]
    assert crossed == ["middle", "late"]


def test_zone_that_goes_away_is_left_by_who_is_in_it() -> None:
    """Every `zone.entered` has its `zone.exited`, with the time until the zone was taken away."""
    accepted, _ = _run({CHANGES_AT_FRAME: _changed(zones={})})
    entered = [event for event in _events(accepted) if isinstance(event.data, ZoneEntered)]
    (exited,) = (event for event in _events(accepted) if isinstance(event.data, ZoneExited))
    assert len(entered) == 1
    assert exited.time <= NOON.replace(second=CHANGES_AT_FRAME // 10 + 1)


def test_zone_that_moves_is_another_zone() -> None:
    """Who stands in both leaves the old one and enters the new one."""
    moved = ZoneSettings(points=((0.0, 0.0), (0.9, 0.0), (0.9, 1.0), (0.0, 1.0)))
    accepted, _ = _run({CHANGES_AT_FRAME: _changed(zones={"left": moved})})
    kinds = [event.kind for event in _events(accepted) if event.kind.startswith("zone.")]
    assert kinds == ["zone.entered", "zone.exited", "zone.entered", "zone.exited"]


def test_other_labels_or_tracking_begin_anew_without_opening_the_source_again() -> None:
    """What is open ends at the change, the same person starts again, and the source stays open."""
    accepted, source = _run({CHANGES_AT_FRAME: _changed(tracking=TrackingSettings(lost_after_s=2))})
    ended = [event.data for event in _events(accepted) if isinstance(event.data, ObjectEnded)]
    assert [one.reason for one in ended] == ["stream", "lost"]
    assert _told(accepted)["object.started"] == 2
    assert source.opened == 1


def test_shots_of_the_former_redaction_are_never_sent() -> None:
    """After `no-images` no picture leaves, not even one that was kept before."""
    accepted, _ = _run({CHANGES_AT_FRAME: _changed(thumbnails=ThumbnailSettings(redaction="no-images"))})
    unchanged, _ = _run({})
    late = NOON.replace(second=5)
    pictures = [one for one in accepted if isinstance(one, Thumbnail)]
    assert sum(isinstance(one, Thumbnail) for one in unchanged) == 2
    assert all(one.time < late and one.subject for one in pictures)
    assert len(pictures) <= 1


def test_ids_after_a_change_are_those_of_no_other_look_at_the_same_footage() -> None:
    """No other run of the same recording shares one: with the old settings, the new ones, or a change elsewhere.

    Object and kind are the same in all of them. What was said before the change is shared.
    """
    changed = _changed(zones={})
    (accepted, source), others = _run({CHANGES_AT_FRAME: changed}), [_run({}), _run({}, changed), _run({50: changed})]
    ids = [message.id for message in accepted]
    before, after = set(ids[: source.accepted_before]), set(ids[source.accepted_before :])
    elsewhere = {message.id for run, _ in others for message in run}
    assert before
    assert "zone.exited" in _told(accepted[source.accepted_before :])
    assert not after & elsewhere
    assert before <= {message.id for message in others[0][0]}


def test_change_and_change_back_does_not_bring_an_id_back() -> None:
    """Ids are unique in a stream, whatever the settings were before."""
    accepted, _ = _run({20: _changed(zones={}), 30: SETTINGS, 40: _changed(zones={}), 60: SETTINGS})
    assert len({message.id for message in accepted}) == len(accepted)


def test_same_changes_at_the_same_frames_give_the_same_events() -> None:
    """A change is part of what is repeatable."""
    changes = {20: _changed(zones={}), 40: _changed(tracking=TrackingSettings(lost_after_s=2))}
    assert _run(changes)[0] == _run(changes)[0]


def test_early_picture_after_a_change_belongs_to_the_start_before_it() -> None:
    """Every thumbnail names an event that was sent, also if the settings changed between the two."""
    started_frame = 18
    for frame in range(started_frame, started_frame + 14, 2):
        accepted, _ = _run({frame: _changed(zones={})})
        ids = {event.id for event in _events(accepted)}
        pictures = [one for one in accepted if isinstance(one, Thumbnail)]
        assert len(pictures) == 2
        assert {one.event_id for one in pictures} <= ids

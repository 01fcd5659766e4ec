"""Wall time of a stream whose camera tells its own clock late."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from threading import Event as Flag
from typing import TYPE_CHECKING

import numpy as np

from winnow.events import Event
from winnow.events.data import ObjectEnded, ObjectStarted
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import ClockSource, Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.stream_clock import StreamClock
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

if TYPE_CHECKING:
    from winnow.pipeline.event_maker import Message

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _frame(index: int, *, ahead_s: float = 0, source: ClockSource = "wall", left: int | None = None) -> Frame:
    picture = np.full((240, 320, 3), 128, np.uint8)
    if left is not None:
        picture[100:180, max(0, left) : max(0, left + 40)] = (0, 0, 255)
    frame = Frame.from_bgr(picture, index=index, starts_at=NOON)
    return replace(frame, captured_at=frame.captured_at + timedelta(seconds=ahead_s), clock_source=source)


def test_recording_keeps_its_start() -> None:
    """A wall time that does not fit is no reason to move the events of a recording."""
    clock = StreamClock(_frame(0, source="file"))
    assert not clock.follow(_frame(1, ahead_s=5, source="file"))
    assert clock.moment(Fraction(1)) == NOON + timedelta(seconds=1)


def test_camera_that_tells_its_clock_is_followed() -> None:
    """From the first frame by the camera's own clock on, every moment is by that clock, earlier ones included."""
    clock = StreamClock(_frame(0))
    assert clock.follow(_frame(1, ahead_s=17, source="rtcp"))
    assert (clock.source, clock.moment(Fraction(0))) == ("rtcp", NOON + timedelta(seconds=17))


def test_rounding_does_not_move_what_was_told() -> None:
    """A millisecond is no news; a drift of ten is."""
    clock = StreamClock(_frame(0, source="rtcp"))
    clock.follow(_frame(1, ahead_s=0.001, source="rtcp"))
    assert clock.moment(Fraction(0)) == NOON
    assert not clock.follow(_frame(2, ahead_s=0.010, source="rtcp"))
    assert clock.moment(Fraction(0)) == NOON + timedelta(seconds=0.010)


def test_object_lives_on_when_the_camera_tells_its_clock() -> None:
    """One object, started by this machine's clock and ended by the camera's: each event says what it rests on."""
    frames = [
        _frame(i, ahead_s=0 if i < 60 else 17, source="wall" if i < 60 else "rtcp", left=-40 + 4 * i)
        for i in range(150)
    ]
    accepted: list[Message] = []
    camera = Camera(
        CameraPlan(node="n", name="c", settings=CameraSettings(source="s", labels=("person",)), footage="f"),
        source=ScriptedSource(frames),
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=ManualClock(),
        pace=Pace(None),
    )
    camera.run(Flag())
    told = [one.data for one in accepted if isinstance(one, Event)]
    (started,) = (one for one in told if isinstance(one, ObjectStarted))
    (ended,) = (one for one in told if isinstance(one, ObjectEnded))
    assert (started.clock, ended.clock) == ("wall", "rtcp")
    assert ended.first_seen - started.first_seen == timedelta(seconds=17)

"""A picture of the scene that somebody asked for, of a camera that watches a striped person."""

from datetime import UTC, datetime
from threading import Event as Flag

import cv2
import numpy as np
import pytest

from winnow.events import Event, Thumbnail
from winnow.events.data import CameraOnline
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import SCENE, Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, Redaction, ThumbnailSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PERSON = (slice(60, 180), slice(120, 180))
HEAD = (slice(62, 88), slice(124, 176))
LEGS = (slice(140, 178), slice(124, 176))


def _frames() -> list[Frame]:
    picture = np.full((240, 320, 3), 128, np.uint8)
    picture[PERSON] = (0, 0, 255)
    picture[60:180:8, 120:180] = (0, 0, 100)  # stripes: what a picture of them looks like can be told from its average
    picture[61:180:8, 120:180] = (0, 0, 100)
    picture[62:180:8, 120:180] = (0, 0, 100)
    return [Frame.from_bgr(picture, index=index, starts_at=NOON) for index in range(4)]


def _ask(
    redaction: Redaction, masks: tuple[tuple[tuple[float, float], ...], ...] = ()
) -> tuple[list[Message], list[str | None]]:
    """Return what is sent when a snapshot is asked for before the first frame, and what is told."""
    accepted: list[Message] = []
    told: list[str | None] = []
    thumbnails = ThumbnailSettings(redaction=redaction, masks=masks, max_bytes=40_000, quality=90)
    settings = CameraSettings(source="scripted", labels=("person",), thumbnails=thumbnails)
    camera = Camera(
        CameraPlan(node="n", name="c", settings=settings, footage="f"),
        source=ScriptedSource(_frames()),
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=ManualClock(),
        pace=Pace(None),
    )
    camera.ask_snapshot(told.append)
    camera.run(Flag())
    return accepted, told


def _picture(messages: list[Message]) -> tuple[Thumbnail, "np.ndarray[tuple[int, ...], np.dtype[np.float64]]"]:
    (thumbnail,) = [one for one in messages if isinstance(one, Thumbnail) and one.subject == SCENE]
    pixels = cv2.imdecode(np.frombuffer(thumbnail.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return thumbnail, pixels[..., 2].astype(np.float64)


def test_snapshot_belongs_to_an_event_of_the_camera() -> None:
    """It shows the whole scene, and names a `camera.online` that says why it was sent."""
    accepted, told = _ask("none")
    thumbnail, red = _picture(accepted)
    assert told == [None]
    assert red.shape == (240, 320)
    owners = [one for one in accepted if isinstance(one, Event) and one.id == thumbnail.event_id]
    assert [one.data.is_snapshot for one in owners if isinstance(one.data, CameraOnline)] == [True]
    assert len({one.id for one in accepted}) == len(accepted)


@pytest.mark.parametrize(
    ("redaction", "head_is_shown", "legs_are_shown"),
    [("none", True, True), ("heads", False, True), ("people", False, False)],
)
def test_snapshot_is_redacted_like_a_thumbnail(
    redaction: Redaction, *, head_is_shown: bool, legs_are_shown: bool
) -> None:
    """The person is found in that very frame, before there is a track."""
    _, red = _picture(_ask(redaction)[0])
    assert (float(red[HEAD].std(axis=0).mean()) > 50) == head_is_shown
    assert (float(red[LEGS].std(axis=0).mean()) > 50) == legs_are_shown


def test_masked_area_is_in_no_snapshot() -> None:
    """Whatever is there is grey."""
    corner = ((0.3, 0.2), (0.6, 0.2), (0.6, 0.8), (0.3, 0.8))
    _, red = _picture(_ask("none", (corner,))[0])
    assert float(red[PERSON].std()) < 10


def test_camera_without_images_refuses() -> None:
    """Nothing is sent, and the reason is told."""
    accepted, told = _ask("no-images")
    assert not [one for one in accepted if isinstance(one, Thumbnail)]
    assert told[0] is not None
    assert "no-images" in told[0]

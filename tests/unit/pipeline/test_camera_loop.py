"""One camera's loop over scripted frames: a red box walks through the picture."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event as Flag

import numpy as np

from winnow.events import Event, Thumbnail
from winnow.events.status import CameraStatus
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, LineSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SETTINGS = CameraSettings(
    source="scripted", labels=("person", "car"), lines={"middle": LineSettings(points=((0.5, 1.0), (0.5, 0.0)))}
)


def _walk(seconds: int = 12, *, stream_epoch: int = 0) -> list[Frame]:
    """Return ten frames a second in which a box walks from left to right and out."""
    frames = []
    for index in range(seconds * 10):
        picture = np.full((240, 320, 3), 128, np.uint8)
        left = -40 + 4 * index
        if left + 40 > 0:
            picture[100:180, max(0, left) : max(0, left + 40)] = (0, 0, 255)
        frames.append(Frame.from_bgr(picture, index=index, starts_at=NOON, stream_epoch=stream_epoch))
    return frames


def _run(
    frames: Sequence[Frame],
    *,
    speed: float | None = None,
    stopping: Flag | None = None,
    announce: Callable[[CameraStatus], None] = lambda _: None,
) -> tuple[list[Message], Camera]:
    accepted: list[Message] = []
    camera = Camera(
        CameraPlan(node="n", name="c", settings=SETTINGS, footage="f"),
        source=ScriptedSource(frames),
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=ManualClock(),
        pace=Pace(speed),
        announce=announce,
    )
    camera.run(stopping or Flag())
    return accepted, camera


def _kinds(messages: Sequence[Message]) -> list[str]:
    return [message.kind for message in messages if isinstance(message, Event)]


def test_walk_through_the_picture_is_one_object_and_one_crossing() -> None:
    """The loop reports the camera, the object's start, its crossing and its end, once each."""
    accepted, _ = _run(_walk())
    kinds = _kinds(accepted)
    assert kinds[0] == "camera.online"
    assert [kinds.count(kind) for kind in ("object.started", "line.crossed", "object.ended")] == [1, 1, 1]


def test_same_footage_gives_the_same_messages() -> None:
    """Events and thumbnails of two runs are equal, ids included, also at another speed."""
    assert _run(_walk())[0] == _run(_walk(), speed=5000.0)[0]


def test_who_has_left_does_not_stand_still() -> None:
    """Between leaving the picture and being given up, nothing is said about an object."""
    accepted, _ = _run(_walk(16))
    assert "object.updated" not in _kinds(accepted)
    assert _kinds(accepted).count("object.ended") == 1


def test_jump_in_time_ends_what_was_open() -> None:
    """A new stream epoch starts from nothing: the object before it has ended, ids differ."""
    first, second = _walk(5), _walk(12, stream_epoch=1)
    accepted, _ = _run([*first, *second])
    kinds = _kinds(accepted)
    assert kinds.count("object.started") == kinds.count("object.ended") == 2
    assert len({message.id for message in accepted}) == len(accepted)


def test_stop_ends_open_objects() -> None:
    """A request to stop is answered at the next frame, and nothing stays open."""
    stopping = Flag()
    frames = _walk()

    class StopsHalfWay(ScriptedSource):
        def read(self, timeout_s: float | None = None) -> Frame | None:
            if self.stats.frames_decoded == 60:
                stopping.set()
            return super().read(timeout_s)

    accepted: list[Message] = []
    camera = Camera(
        CameraPlan(node="n", name="c", settings=SETTINGS, footage="f"),
        source=StopsHalfWay(frames),
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=ManualClock(),
        pace=Pace(None),
    )
    camera.run(stopping)
    ended = [one for one in accepted if isinstance(one, Event) and one.kind == "object.ended"]
    assert [one.data.reason for one in ended] == ["stopped"]  # type: ignore[union-attr]
    assert camera.source.stats.frames_decoded == 61


def test_counters_count_what_was_done() -> None:
    """Every second frame of ten a second is analysed, and every accepted byte is counted."""
    accepted, camera = _run(_walk())
    counters = camera.counters()
    assert (counters.frames_decoded, counters.frames_analysed) == (120, 60)
    assert counters.bytes_in == 120_000
    assert counters.bytes_out > sum(len(one.jpeg) for one in accepted if isinstance(one, Thumbnail)) > 0
    assert camera.tally.events.total() == len(accepted)


def test_camera_announces_when_it_comes_and_goes() -> None:
    """Its state is online with the first frame and offline at the end."""
    states: list[CameraStatus] = []
    _run(_walk(1), announce=states.append)
    assert [one.state for one in states] == ["online", "offline"]


def test_still_picture_costs_few_detector_runs() -> None:
    """Where nothing moves the detector looks at the start and every ten seconds."""
    still = [Frame.from_bgr(np.full((240, 320, 3), 128, np.uint8), index=i, starts_at=NOON) for i in range(300)]
    _, camera = _run(still)
    assert camera.tally.frames_analysed == 150
    assert camera.tally.detector_runs <= 4


class WishfulSource(ScriptedSource):
    """Remembers for each frame that was read whether rest was wanted afterwards."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        super().__init__(frames, is_live=True)
        self.wishes: list[tuple[float, bool]] = []
        self._last_s = 0.0

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the next frame."""
        frame = super().read(timeout_s)
        self._last_s = float(frame.stream_s) if frame else self._last_s
        return frame

    def rest(self, *, is_wanted: bool) -> None:
        """Remember it."""
        self.wishes.append((self._last_s, is_wanted))


def test_camera_rests_ten_seconds_after_the_last_motion_until_the_next() -> None:
    """A box comes at 20 s: rest is wanted from 10 s to its coming, and not while it walks."""
    picture = np.repeat(np.random.default_rng(1).integers(90, 160, (240, 320, 1), np.uint8), 3, axis=2)
    empty = [Frame.from_bgr(picture, index=index, starts_at=NOON) for index in range(200)]
    walk = []
    for index in range(200, 240):
        walking = picture.copy()
        walking[100:180, 4 * (index - 200) : 4 * (index - 200) + 40] = (0, 0, 255)
        walk.append(Frame.from_bgr(walking, index=index, starts_at=NOON))
    source = WishfulSource([*empty, *walk])
    Camera(
        CameraPlan(node="n", name="c", settings=SETTINGS, footage="f"),
        source=source,
        detector=ColourBoxDetector(),
        accept=lambda _: None,
        clock=ManualClock(),
        pace=Pace(None),
    ).run(Flag())
    assert {at_s for at_s, is_wanted in source.wishes if is_wanted} == {10 + step / 5 for step in range(50)}


def test_tracks_are_counted_over_all_epochs() -> None:
    """One person in each of two epochs: two tracks begun, carried by flow between looks, none open at the end."""
    _, camera = _run([*_patterned(_walk()), *_patterned(_walk(stream_epoch=1))])
    tracks = camera.tally.tracks
    assert (tracks.begun, tracks.open) == (2, 0)
    assert 0 < tracks.flow_steps < camera.tally.frames_analysed
    assert camera.tally.detector_runs < camera.tally.frames_analysed


def _patterned(frames: Sequence[Frame]) -> list[Frame]:
    """Return the frames with a pattern on the box that moves with it, as clothes do."""
    cloth = np.kron(np.random.default_rng(7).integers(120, 255, (20, 10), np.uint8), np.ones((4, 4), np.uint8))
    patterned = []
    for number, frame in enumerate(frames):
        picture, left = frame.bgr().copy(), -40 + 4 * (number % len(frames))
        first, last = max(0, left), min(320, left + 40)
        if first < last:
            picture[100:180, first:last, 2] = cloth[:, first - left : last - left]
        patterned.append(Frame.from_bgr(picture, index=frame.index, starts_at=NOON, stream_epoch=frame.stream_epoch))
    return patterned

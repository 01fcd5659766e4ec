"""A camera whose pictures turn black, and one that falls silent, through the whole loop."""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Flag

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.synthetic.clips import encode
from tests.synthetic.faults import faults
from winnow.detectors import Detections
from winnow.events import Event
from winnow.events.data import CameraDegraded, CameraOnline
from winnow.events.status import CameraStatus
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.edge_metrics import CameraCollector
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import FileSource, Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock


class NotingDetector(ColourBoxDetector):
    """Tells whenever it is asked."""

    def __init__(self, note: Callable[[], None]) -> None:
        super().__init__()
        self._note = note

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return what a detector without notes would."""
        self._note()
        return super().detect(images)


class Spectator:
    """A camera over one of the faults' clips, and what it told."""

    def __init__(self, name: str, folder: Path) -> None:
        self.statuses: list[tuple[str, str | None]] = []
        self.gauges: list[dict[str, float]] = []
        self.messages: list[Message] = []
        self.looks_s: list[float] = []
        settings = CameraSettings(source="x", labels=("person",))
        self.camera = Camera(
            CameraPlan(node="n", name="c", settings=settings, footage="f"),
            source=FileSource(encode(faults()[name][1], folder / "clip.mp4")),
            detector=NotingDetector(lambda: self.looks_s.append(float(self.camera.position_s))),
            accept=self._accept,
            clock=ManualClock(),
            pace=Pace(None),
            announce=self._announce,
        )
        self.camera.run(Flag())

    def reports(self) -> list[tuple[str, str | None, float]]:
        """Return kind, reason and stream time of every event about the camera."""
        found: list[tuple[str, str | None, float]] = []
        for event in self.messages:
            if not isinstance(event, Event):
                continue
            if isinstance(event.data, CameraDegraded):
                found.append((event.kind, event.data.reason, event.time.timestamp()))
            elif isinstance(event.data, CameraOnline):
                found.append((event.kind, event.data.recovered_from, event.time.timestamp()))
        return found

    def _accept(self, messages: Sequence[Message]) -> None:
        self.messages += messages

    def _announce(self, status: CameraStatus) -> None:
        self.statuses.append((status.state, status.reason))
        (metric,) = (
            one for one in CameraCollector(lambda: [self.camera]).collect() if one.name == "winnow_camera_degraded"
        )
        self.gauges.append({sample.labels["reason"]: sample.value for sample in metric.samples if sample.value})


@pytest.fixture(scope="module")
def black(tmp_path_factory: pytest.TempPathFactory) -> Spectator:
    """Return a camera that was black from 21 s to 66 s of 84 s."""
    return Spectator("night without light", tmp_path_factory.mktemp("black"))


def test_black_camera_is_degraded_and_online_again(black: Spectator) -> None:
    """Two events at the times of the stream tell it, beside the one that the camera came."""
    assert black.reports() == [
        ("camera.online", None, 0),
        ("camera.degraded", "black", 31),
        ("camera.online", "black", 76),
    ]


def test_retained_state_and_gauge_follow(black: Spectator) -> None:
    """Whoever asks later sees the same as who was there: the state, its reason, and 1 in the reason's gauge."""
    assert black.statuses == [
        ("online", None),
        ("degraded", "black"),
        ("online", None),
        ("offline", "the recording ended"),
    ]
    assert black.gauges == [{}, {"black": 1.0}, {}, {}]


def test_detector_rests_while_there_is_nothing_to_see(black: Spectator) -> None:
    """Between the two reports it is not asked once; before and after it is."""
    assert not [at_s for at_s in black.looks_s if 31 <= at_s < 76]
    assert min(black.looks_s) == 0
    assert max(black.looks_s) >= 76


def test_same_footage_gives_the_same_reports(black: Spectator, tmp_path: Path) -> None:
    """Ids included."""
    assert Spectator("night without light", tmp_path).messages == black.messages


class SilentSource(ScriptedSource):
    """A live camera whose connection stays open after the last frame, for a minute without a packet."""

    def __init__(self, frames: Sequence[Frame], clock: ManualClock) -> None:
        super().__init__(frames, is_live=True)
        self._clock = clock
        self._silent_reads = 0

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return a frame a second, then nothing for a minute, then the end."""
        frame = super().read(timeout_s)
        self._clock.advance(0.5 if frame is None else 1)
        self._silent_reads += frame is None
        self._tally.connection = "ended" if self._silent_reads > 120 else "online"
        return frame


def test_silent_camera_is_stalled_once() -> None:
    """An open connection without packets is told after 10 s, since the last picture, and not again."""
    accepted: list[Message] = []
    statuses: list[tuple[str, str | None]] = []
    clock = ManualClock()
    pixels = np.random.default_rng(1).integers(60, 200, (90, 160, 3), dtype=np.uint8)
    frames = [Frame.from_bgr(pixels, index=second, frame_rate=1) for second in range(20)]
    Camera(
        CameraPlan(node="n", name="c", settings=CameraSettings(source="x", labels=("person",)), footage="f"),
        source=SilentSource(frames, clock),
        detector=ColourBoxDetector(),
        accept=accepted.extend,
        clock=clock,
        pace=Pace(None),
        announce=lambda status: statuses.append((status.state, status.reason)),
    ).run(Flag())
    (stalled,) = (one for one in accepted if isinstance(one, Event) and isinstance(one.data, CameraDegraded))
    assert stalled.data == CameraDegraded(reason="stalled", since=frames[-1].captured_at)
    assert stalled.time.timestamp() == 29
    assert statuses == [("online", None), ("degraded", "stalled"), ("offline", "the recording ended")]

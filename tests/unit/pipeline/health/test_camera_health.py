"""A camera whose pictures turn black, and one that is turned, through the whole loop."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag

import pytest

from tests.synthetic.clips import encode
from tests.synthetic.faults import faults
from winnow.events import Event
from winnow.events.data import CameraDegraded, CameraOnline
from winnow.events.status import CameraStatus
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.edge_metrics import CameraCollector
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import FileSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock


class Spectator:
    """A camera over one of the faults' clips, and what it told."""

    def __init__(self, name: str, folder: Path) -> None:
        self.statuses: list[tuple[str, str | None]] = []
        self.gauges: list[dict[str, float]] = []
        self.messages: list[Message] = []
        settings = CameraSettings(source="x", labels=("person",))
        self.camera = Camera(
            CameraPlan(node="n", name="c", settings=settings, footage="f"),
            source=FileSource(encode(faults()[name][1], folder / "clip.mp4")),
            detector=ColourBoxDetector(),
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


def test_detector_rests_while_there_is_nothing_to_see(black: Spectator, tmp_path: Path) -> None:
    """Of 45 s in the dark it is not asked once: fewer runs than on the camera that is turned instead."""
    turned = Spectator("turned by 4 degrees", tmp_path)
    assert black.camera.tally.frames_analysed == turned.camera.tally.frames_analysed == 168
    assert black.camera.tally.detector_runs < turned.camera.tally.detector_runs - 30


def test_same_footage_gives_the_same_reports(black: Spectator, tmp_path: Path) -> None:
    """Ids included."""
    assert Spectator("night without light", tmp_path).messages == black.messages

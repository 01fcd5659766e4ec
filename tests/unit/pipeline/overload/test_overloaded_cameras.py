"""Several live cameras share one slow detector: frames stay young, steps are counted, and recordings are left alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from threading import Event as Flag
from types import TracebackType
from typing import Self

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.detectors.detections import Detections
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.decoder.stats import ClockSource, Damage, SourceStats
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, MotionSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

FPS = 10
SETTINGS = CameraSettings(source="fake", analysed_fps=5, motion=MotionSettings(enabled=False))


def picture(index: int) -> NDArray[np.uint8]:
    """Return a frame in which somebody walks to and fro."""
    pixels = np.full((120, 160, 3), 128, np.uint8)
    left = 10 + abs(index % 60 - 30) * 3
    pixels[40:90, left : left + 20] = (0, 0, 255)
    return pixels


class PacedSource:
    """A live camera by the test's clock: a read gives the newest frame, those before it are dropped.

    Args:
        is_live: False for a recording, which gives every frame.

    Attributes:
        as_of_s: when the camera's thread took its frame; it may have waited for the detector since.
    """

    description = "fake"
    clock_source: ClockSource = "wall"
    duration_s: Fraction | None = None

    def __init__(self, *, is_live: bool = True) -> None:
        self.samples = False
        self.is_live = is_live
        self.as_of_s = 0.0
        self._index = -1
        self._dropped = 0

    @property
    def stats(self) -> SourceStats:
        """Return the counters."""
        dropped = {"drop_oldest": self._dropped}
        return SourceStats(
            bytes_read=0,
            frames_decoded=self._index + 1,
            frames_dropped=dropped,  # type: ignore[arg-type]
            damage=Damage(),
            connection="online",
        )

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the newest frame, or the next one of a recording."""
        del timeout_s
        newest = int(self.as_of_s * FPS) if self.is_live else self._index + 1
        if newest == self._index:
            return None
        self._dropped += newest - self._index - 1
        self._index = newest
        frame = Frame.from_bgr(picture(newest), index=newest, frame_rate=FPS)
        return replace(frame, read_at_mono_s=newest / FPS) if self.is_live else frame

    def sample(self, rate: float | None) -> None:
        """Go on giving every frame: the camera samples them itself."""

    def rest(self, *, is_wanted: bool) -> None:
        """Go on giving every frame."""

    def __iter__(self) -> Iterator[Frame]:
        """Not used."""
        raise NotImplementedError

    def close(self) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        """Do nothing."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


@dataclass(slots=True)
class SlowDetector(ColourBoxDetector):
    """Takes time by the test's clock.

    Attributes:
        clock: moved by each run.
        seconds: by so much.
        sees: False finds nothing, which costs nothing.
    """

    clock: ManualClock
    seconds: float
    sees: bool

    def __post_init__(self) -> None:
        """See `ColourBoxDetector`."""
        ColourBoxDetector.__init__(self)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return what is seen, later."""
        self.clock.advance(self.seconds)
        return ColourBoxDetector.detect(self, images) if self.sees else [Detections.empty() for _ in images]


class Box:
    """Some cameras, each with a frame in its hand, that wait for one detector: as threads that share one core do."""

    def __init__(self, cameras: int, *, seconds: float, is_live: bool = True) -> None:
        self.clock = ManualClock()
        self.clock.advance(1.0)
        self.detector = SlowDetector(self.clock, seconds, sees=not is_live)
        self.accepted = list[Message]()
        self.sources = [PacedSource(is_live=is_live) for _ in range(cameras)]
        self.cameras = [
            Camera(
                CameraPlan(node="n", name=f"c{number}", settings=SETTINGS, footage="f"),
                source=source,
                detector=self.detector,
                accept=self.accepted.extend,
                clock=self.clock,
                pace=Pace(None),
            )
            for number, source in enumerate(self.sources)
        ]

    def run(self, seconds: float) -> None:
        """Let every camera look in turn until the time is over."""
        until_s = self.clock.monotonic_s() + seconds
        while self.clock.monotonic_s() < until_s:
            before_s = self.clock.monotonic_s()
            for source in self.sources:
                source.as_of_s = before_s
            for camera in self.cameras:
                camera.run_once(Flag())
            self.cameras.append(self.cameras.pop(0))
            if self.clock.monotonic_s() == before_s:
                self.clock.advance(0.05)

    def ages_s(self) -> list[float]:
        """Return the 95th percentile of each camera's frame ages."""
        return [camera.tally.latency_ms(0.95) / 1000 for camera in self.cameras]


def test_frames_stay_young_under_overload() -> None:
    """Four cameras at five frames a second and a detector that manages eight: each frame is used within two periods.

    The period is that of the step the camera is on. Nothing queues up, so there is nothing that could grow.
    """
    box = Box(4, seconds=0.12)
    box.run(40)
    for camera, age_s in zip(box.cameras, box.ages_s(), strict=True):
        assert camera.relief.number > 0
        assert age_s <= 2 * camera.relief.rung.every / SETTINGS.analysed_fps
        assert camera.counters().overload_step == camera.relief.number
        assert camera.frames_dropped()["overload"] > 0
        assert sum(camera.relief.steps_up().values()) >= 1


def test_every_camera_goes_on_being_analysed() -> None:
    """An overloaded box looks less often at each camera, and leaves none out."""
    box = Box(4, seconds=0.12)
    box.run(20)
    analysed = [camera.tally.frames_analysed for camera in box.cameras]
    assert min(analysed) > 0.8 * max(analysed)
    assert min(analysed) > 20


def test_box_that_keeps_up_changes_nothing() -> None:
    """With time to spare, no frame is skipped and no picture held back."""
    box = Box(2, seconds=0.02)
    box.run(15)
    for camera in box.cameras:
        assert (camera.relief.number, camera.frames_dropped()["overload"]) == (0, 0)
        assert not camera.tally.pictures_held


def test_relieved_box_comes_back() -> None:
    """When the load is gone, cameras are looked at as set again."""
    box = Box(2, seconds=0.24)
    box.run(12)
    assert min(camera.relief.number for camera in box.cameras) > 0
    box.detector.seconds = 0.005
    box.run(60)
    assert [camera.relief.number for camera in box.cameras] == [0] * 2


def test_highest_steps_hold_early_pictures_back() -> None:
    """The camera says so, and asks for more motion before it looks."""
    box = Box(1, seconds=2.5)
    box.run(40)
    (camera,) = box.cameras
    assert not camera.relief.rung.sends_early
    assert camera.relief.rung.threshold_factor > 1


@pytest.mark.parametrize("seconds", [0.001, 3.0])
def test_recording_is_never_degraded(seconds: float) -> None:
    """However slow the detector: same footage, same messages."""
    box = Box(1, seconds=seconds, is_live=False)
    for _ in range(80):
        box.cameras[0].run_once(Flag())
    expected = Box(1, seconds=0.0, is_live=False)
    for _ in range(80):
        expected.cameras[0].run_once(Flag())
    assert box.accepted == expected.accepted
    assert box.cameras[0].frames_dropped()["overload"] == 0

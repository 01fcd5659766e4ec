"""More live cameras than the box can look at: real streams, real decoders, a detector that takes too long."""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Flag
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cameras.footage import encode
from tests.cameras.rtsp_server import RtspServer
from winnow.detectors import Detections, Detector
from winnow.events import Event
from winnow.events.data import LineCrossed
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.detection import DetectionScheduler
from winnow.pipeline.event_maker import Message
from winnow.pipeline.overload import RUNGS
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, LineSettings, MotionSettings
from winnow.pipeline.sources import FileSource, LiveSource, Source
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.clock import SystemClock

CAMERAS: Final = 3
DETECTOR_TAKES_S: Final = 0.2
"""Three cameras, five pictures a second each: three times what one such detector manages."""

LOOPS: Final = 2
WATCHED_S: Final = 20.0
"""Past the second crossing, which happens when the cameras have stepped back as far as they can."""

PERIOD_S: Final = 0.2
STEPS_BACK: Final = "Camera steps back: frames get too old"
GROWTH_BYTES: Final = 16 * 1024 * 1024
SETTINGS: Final = CameraSettings(
    source="yard",
    lines={"line": LineSettings(points=((0.5, 1.0), (0.5, 0.0)))},
    motion=MotionSettings(enabled=False),
)
"""Every analysed picture is shown to the detector, so that the load does not depend on what moves."""


class SlowDetector(ColourBoxDetector):
    """Takes as long as a large model on a small box, one picture at a time."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return what is seen, later."""
        time.sleep(DETECTOR_TAKES_S * len(images))
        return super().detect(images)


def _camera(name: str, source: Source, detector: Detector, accepted: list[Message]) -> Camera:
    return Camera(
        CameraPlan(node="n", name=name, settings=SETTINGS, footage="f"),
        source=source,
        detector=detector,
        accept=accepted.extend,
        clock=SystemClock(),
        pace=Pace(None),
    )


def _crossings(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Return label and direction of each crossing, in order."""
    events = [one for one in messages if isinstance(one, Event)]
    return [(one.data.label, one.data.direction) for one in events if isinstance(one.data, LineCrossed)]


@contextmanager
def _running(cameras: Sequence[Camera]) -> Iterator[None]:
    stopping = Flag()
    with ThreadPoolExecutor(len(cameras)) as pool:
        ends = [pool.submit(camera.run, stopping) for camera in cameras]
        try:
            yield
        finally:
            stopping.set()
        for end in ends:
            end.result()


def _memory_bytes() -> int:
    """Return what this process and its decoders hold."""
    tasks = Path("/proc/self/task").iterdir()
    pids = ["self", *(pid for task in tasks for pid in (task / "children").read_text().split())]
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * os.sysconf("SC_PAGE_SIZE")


def test_overloaded_cameras_step_back_in_order_and_stay_right(
    gstreamer_python: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each camera takes every step once, in order; frames stay young, memory flat, and no crossing is lost or new."""
    clip = encode(tmp_path / "yard.mkv", "h264", loops=LOOPS)
    expected: list[Message] = []
    _camera("yard", FileSource(clip), ColourBoxDetector(), expected).run(Flag())
    assert len(_crossings(expected)) == LOOPS
    scheduler = DetectionScheduler([SlowDetector()])
    accepted: dict[str, list[Message]] = {f"c{number}": [] for number in range(CAMERAS)}
    with RtspServer(gstreamer_python, dict.fromkeys(accepted, ("h264", clip))) as server:
        cameras = [
            _camera(name, LiveSource(server.url(name), clock=SystemClock()), scheduler.detector_for(name), messages)
            for name, messages in accepted.items()
        ]
        with caplog.at_level(logging.WARNING), _running(cameras):
            time.sleep(WATCHED_S / 2)
            halfway_bytes = _memory_bytes()
            time.sleep(WATCHED_S / 2)
            grown_bytes = _memory_bytes() - halfway_bytes
            counters = {camera.name: camera.counters() for camera in cameras}
    steps = [(vars(one)["camera"], vars(one)["step"]) for one in caplog.records if one.getMessage() == STEPS_BACK]
    for camera in cameras:
        told = counters[camera.name]
        assert [step for name, step in steps if name == camera.name] == [1, 2, 3, 4]
        assert camera.relief.steps_up() == {0: 0, 1: 1, 2: 1, 3: 1, 4: 1}
        assert told.overload_step == len(RUNGS) - 1
        assert told.frames_dropped["overload"] > told.frames_analysed / 2
        assert told.pictures_held["overload"] > 0
        assert told.latency_p95_ms <= 2000 * PERIOD_S * RUNGS[-1].every
        assert _crossings(accepted[camera.name]) == _crossings(expected)
    analysed = [told.frames_analysed for told in counters.values()]
    assert min(analysed) > 0.7 * max(analysed)
    assert grown_bytes < GROWTH_BYTES

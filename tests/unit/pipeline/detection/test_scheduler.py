"""One set of detectors for several cameras, in real threads."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.detection import STREET, read_clip
from winnow.detectors import Detections, Detector, ImageError, ModelCard, OnnxDetector, open_detector
from winnow.detectors.testing import FakeDetector
from winnow.pipeline.detection import DetectionScheduler, ScheduledDetector
from winnow.runtime.testing import ManualClock

GREY = np.full((416, 416, 3), 128, np.uint8)


class LoggingDetector:
    """Passes images on, and writes down whose they were: the name of the thread."""

    def __init__(self, inner: Detector, log: list[str]) -> None:
        self._inner = inner
        self._log = log
        self._alone = Lock()

    @property
    def card(self) -> ModelCard:
        """The card of the detector inside."""
        return self._inner.card

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Fail if another thread is in here."""
        assert self._alone.acquire(blocking=False)
        try:
            self._log.append(threading.current_thread().name)
            return self._inner.detect(images)
        finally:
            self._alone.release()


def _look(detector: ScheduledDetector, name: str, looks: int, images: int, start: Barrier) -> None:
    threading.current_thread().name = name
    start.wait(10)
    for _ in range(looks):
        detector.detect([GREY] * images)


def test_greedy_camera_does_not_starve_the_others() -> None:
    """With the real model in one session: one camera wants four times the runs, and all others end before its half."""
    log: list[str] = []
    scheduler = DetectionScheduler([LoggingDetector(open_detector(), log)])
    start = Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        orders = [("greedy", 8, 4), *((f"modest {number}", 8, 1) for number in range(3))]
        running = [
            pool.submit(_look, scheduler.detector_for(name), name, looks, images, start)
            for name, looks, images in orders
        ]
        for one in running:
            one.result(60)
    assert Counter(log) == {"greedy": 32, "modest 0": 8, "modest 1": 8, "modest 2": 8}
    shared = log[: max(index for index, name in enumerate(log) if name != "greedy") + 1]
    assert shared.count("greedy") <= 16


def test_detectors_work_side_by_side_and_each_for_one_camera_at_a_time() -> None:
    """Two detectors serve six cameras, and no image is answered by both or by none."""
    log: list[str] = []
    at_work, changing, have_met = [0], Lock(), Event()

    def meet(_image: NDArray[np.uint8]) -> Detections:
        with changing:
            at_work[0] += 1
            if at_work[0] == 2:
                have_met.set()
        have_met.wait(10)  # the first one waits for the other detector to be at work too
        with changing:
            at_work[0] -= 1
        return Detections.empty()

    scheduler = DetectionScheduler([LoggingDetector(FakeDetector(meet), log) for _ in range(2)])
    start = Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        running = [
            pool.submit(_look, scheduler.detector_for(f"c{number}"), f"c{number}", 10, 1, start) for number in range(6)
        ]
        for one in running:
            one.result(60)
    assert have_met.is_set()
    assert Counter(log) == {f"c{number}": 10 for number in range(6)}


def test_shared_detector_answers_as_its_own_would() -> None:
    """The same image gives the same objects, whoever else asks meanwhile."""
    clip = read_clip(STREET, 4)
    own: OnnxDetector = open_detector()
    scheduler = DetectionScheduler([open_detector(), open_detector()])
    expected = own.detect(clip)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda number: scheduler.detector_for(f"c{number}").detect(clip), range(3)))
    for answer in answers:
        for found, wanted in zip(answer, expected, strict=True):
            np.testing.assert_array_equal(found.boxes_xyxy, wanted.boxes_xyxy)
            np.testing.assert_array_equal(found.scores, wanted.scores)


def test_failed_inference_gives_its_detector_back() -> None:
    """An image that is refused is this camera's trouble; the next camera is served."""
    scheduler = DetectionScheduler([FakeDetector()])
    with pytest.raises(ImageError):
        scheduler.detector_for("bad").detect([GREY.astype(np.float32)])
    assert len(scheduler.detector_for("good").detect([GREY])) == 1


class NoticingClock(ManualClock):
    """Tells when a thread other than the one that made it has read it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_read_by_other = Event()
        self._maker = threading.current_thread()

    def monotonic_s(self) -> float:
        """Return the seconds that were moved so far."""
        at_s = super().monotonic_s()
        if threading.current_thread() is not self._maker:
            self.is_read_by_other.set()
        return at_s


def test_camera_knows_how_long_it_waited_for_its_turn() -> None:
    """While one camera's image takes 3 s, the other has waited 3 s; its own image, which takes 3 s too, is no wait."""
    clock = NoticingClock()

    def look(_image: NDArray[np.uint8]) -> Detections:
        assert clock.is_read_by_other.wait(10)  # the other camera is about to ask, at 0 s
        clock.sleep(3)
        return Detections.empty()

    scheduler = DetectionScheduler([FakeDetector(look)], clock=clock)
    first, other = scheduler.detector_for("first"), scheduler.detector_for("other")
    with ThreadPoolExecutor(1) as pool:
        taken = scheduler.take("first")
        waiting = pool.submit(other.detect, [GREY])
        taken.detect([GREY])
        scheduler.give_back(taken)
        waiting.result(10)
    assert (other.waited_s, first.waited_s) == (3.0, 0.0)
    assert clock.monotonic_s() == 6.0

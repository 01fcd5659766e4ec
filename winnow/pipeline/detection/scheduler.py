"""One set of detectors for all cameras of a box: as many as there are cores, and a fair turn for everybody who asks.

A camera asks from its own thread and waits there, so it has one picture in the queue and no more: while it waits, a
live source replaces the picture that comes next with a newer one, and a recording stands still. The picture that waits
is not replaced: motion and flow have already been told from it, and what a tracker is shown must be one moment. It is
older than it need be by that one wait at most, which `waited_s` adds up. Inference runs in the
asking thread with the detector it was given; nothing is handed from thread to thread. Every model input is a turn of
its own, so a camera that looks at three windows is not three times as important.

Pictures of several cameras in one batch are not built: with NanoDet-g two images in one run cost 2 % less processor
time an image than two runs, four 2.4 %, and each would wait for the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections, Detector, ModelCard
from winnow.pipeline.detection.turns import Turns, Wish
from winnow.runtime.clock import Clock, SystemClock


@dataclass(slots=True, eq=False)
class _Grant:
    """What a waiting thread is woken with."""

    ready: Flag = field(default_factory=Flag)
    detector: Detector | None = None


class DetectionScheduler:
    """Shares detectors among cameras.

    Args:
        detectors: of one model, at least one; each runs for one camera at a time, in that camera's thread.
        clock: times the waiting; it decides nothing.
    """

    def __init__(self, detectors: Sequence[Detector], *, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self._card = detectors[0].card
        self._free = list(detectors)
        self._turns = Turns()
        self._grants: dict[Wish, _Grant] = {}
        self._lock = Lock()

    @property
    def card(self) -> ModelCard:
        """The model card of the detectors."""
        return self._card

    def detector_for(self, camera: str) -> "ScheduledDetector":
        """Return a detector for one camera's thread, which takes its turns in that camera's name."""
        return ScheduledDetector(self, camera)

    def take(self, camera: str) -> Detector:
        """Return a detector for one image, once it is the camera's turn; it must be given back."""
        grant = _Grant()
        with self._lock:
            self._grants[self._turns.ask(camera)] = grant
            self._hand_out()
        grant.ready.wait()
        if grant.detector is None:  # pragma: no cover - ready says that it is there
            raise AssertionError("woken without a detector")
        return grant.detector

    def give_back(self, detector: Detector) -> None:
        """Let the next camera have it."""
        with self._lock:
            self._free.append(detector)
            self._hand_out()

    def _hand_out(self) -> None:
        while self._free and len(self._turns):
            grant = self._grants.pop(self._turns.take())
            grant.detector = self._free.pop()
            grant.ready.set()


class ScheduledDetector:
    """A detector that is shared with other cameras; serves one thread at a time.

    Attributes:
        waited_s: seconds that its thread has waited for turns so far; others may read.
    """

    def __init__(self, scheduler: DetectionScheduler, camera: str) -> None:
        self.waited_s = 0.0
        self._scheduler = scheduler
        self._camera = camera

    @property
    def card(self) -> ModelCard:
        """The model card of the shared detectors."""
        return self._scheduler.card

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return one `Detections` for each image, in the order of the images; see `Detector`."""
        return [self._detect(image) for image in images]

    def _detect(self, image: NDArray[np.uint8]) -> Detections:
        clock = self._scheduler.clock
        asked_s = clock.monotonic_s()
        detector = self._scheduler.take(self._camera)
        self.waited_s += clock.monotonic_s() - asked_s
        try:
            (detections,) = detector.detect([image])
        finally:
            self._scheduler.give_back(detector)
        return detections

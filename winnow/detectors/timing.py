"""Compare the speed of detectors on a machine that also does other things."""

from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.detector import Detector


def median_times_ms(
    detectors: Sequence[Detector], image: NDArray[np.uint8], *, rounds: int, now_s: Callable[[], float]
) -> list[float]:
    """Return each detector's median time for one image, in milliseconds.

    Every round asks every detector once, so that whatever else the machine does slows all of them alike.

    Args:
        detectors: to compare; each is asked once more beforehand, unmeasured.
        image: uint8 (H, W, 3) BGR.
        rounds: at least 1.
        now_s: a monotonic clock.
    """
    for detector in detectors:
        detector.detect([image])
    times: list[list[float]] = [[] for _ in detectors]
    for _ in range(rounds):
        for detector, taken in zip(detectors, times, strict=True):
            start = now_s()
            detector.detect([image])
            taken.append((now_s() - start) * 1000)
    return [median(taken) for taken in times]

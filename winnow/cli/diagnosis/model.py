"""Does the model load and run, and how fast?"""

import os
import time
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.cli.diagnosis.finding import Finding, good, problem, warning
from winnow.detectors import Detector, DetectorError
from winnow.detectors.catalogue import open_detector
from winnow.pipeline.settings import EdgeSettings

PART: Final = "model"
RUNS: Final = 5


def examine_model(settings: EdgeSettings) -> Finding:
    """Return how long one run of the model takes at best, and what that means for all cameras together."""
    try:
        detector = open_detector(settings.model)
    except DetectorError as exc:
        return problem(PART, str(exc), "correct model in the settings; see winnow models list")
    picture = np.random.default_rng(0).integers(0, 255, (720, 1280, 3), np.uint8)
    try:
        took_s = [_run_s(detector, picture) for _ in range(RUNS + 1)][1:]
    except DetectorError as exc:
        return problem(PART, f"{settings.model} does not run: {exc}", "take another model; see winnow models list")
    run_s = min(took_s)
    wanted = sum(camera.analysed_fps for camera in settings.cameras.values())
    cores = len(os.sched_getaffinity(0))
    load = wanted * run_s
    said = f"{settings.model}, {1000 * run_s:.1f} ms a run; with motion in every frame {load:.2f} of {cores} cores"
    facts = {"model": settings.model, "run_ms": round(1000 * run_s, 2), "cores": cores, "worst_cores": round(load, 2)}
    if load > cores:
        advice = "when everything moves, frames will be left out: lower analysed_fps, or use fewer cameras"
        return warning(PART, said, advice, **facts)
    return good(PART, said, **facts)


def _run_s(detector: Detector, picture: NDArray[np.uint8]) -> float:
    began_s = time.perf_counter()
    detector.detect([picture])
    return time.perf_counter() - began_s

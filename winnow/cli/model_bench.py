"""`winnow models bench`: two models in turns on one picture."""

import os
import time
from pathlib import Path
from typing import Final

import numpy as np

from winnow.cli.model_views import BenchRow
from winnow.detectors import ModelNotFoundError, OnnxDetector, find_card, load_model
from winnow.detectors.timing import median_times_ms

FLOAT_MODEL: Final = "nanodet-g-416-fp32.yaml"
PICTURE_SHAPE: Final = (720, 1280, 3)


def bench_models(name: str, against: str | None, cache: Path, rounds: int) -> tuple[str, str, list[BenchRow]]:
    """Return both models' names, and their median times with one thread and with one a core.

    Raises:
        ModelNotFoundError: one of the models is missing.
        ModelRefusedError: one of them must not be used.
    """
    model = load_model(find_card(name))
    reference = load_model(_reference_card(against, cache))
    picture = np.random.default_rng(1).integers(0, 256, PICTURE_SHAPE, np.uint8)
    rows = []
    for threads in (1, 0):
        detectors = [OnnxDetector(card, data, threads=threads) for card, data in (reference, model)]
        times = median_times_ms(detectors, picture, rounds=rounds, now_s=time.perf_counter)
        rows.append(BenchRow(threads=threads or _core_count(), reference_ms=times[0], model_ms=times[1]))
    return reference[0].name, model[0].name, rows


def _reference_card(against: str | None, cache: Path) -> Path:
    if against is not None:
        return find_card(against)
    card = cache / FLOAT_MODEL
    if not card.is_file():
        raise ModelNotFoundError(
            f"{card}: the float32 model is not there; build it with "
            "`winnow models build nanodet-g --frames sample_videos/street.mp4 --out DIR`, or name a card with --against"
        )
    return card


def _core_count() -> int:
    return len(os.sched_getaffinity(0))

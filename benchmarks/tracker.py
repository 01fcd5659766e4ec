"""The tracker: time a frame, and, with a ground truth at hand, how well it keeps people apart.

    python -m benchmarks tracker                                      time only
    python -m benchmarks.tracker TRUTH.csv --clip vtest.avi           accuracy, with the project's own detections

The truth has one row a person and frame: `frame,id,x,y,w,h`, frames counted from 1, pixels. Accuracy needs
`pip install motmetrics`; it is scored at an overlap of 0.5, for confirmed tracks that have travelled and were seen in
the frame, on the truth's frames only, while the tracker sees every analysed frame.
"""

import argparse
import csv
import importlib
import time
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from rich.console import Console
from rich.table import Table

from winnow.detectors import Detections, open_detector
from winnow.pipeline.detection import Look
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracker, Tracks
from winnow.pipeline.tracking.boxes import overlaps, to_corners

FRAMES: Final = 300
WARM_UP: Final = 50
SAME_AT_OVERLAP: Final = 0.5
METRICS: Final = ("mota", "idf1", "num_switches", "num_misses", "num_false_positives", "num_objects")

Truth = dict[int, list[tuple[int, tuple[float, float, float, float]]]]
"""By frame, counted from 1: each person's number and corners."""


def measure() -> Table:
    """Return the median time of one frame with 10 and with 50 moving objects."""
    table = Table("objects", "µs a frame, median", title=f"tracker, {FRAMES - WARM_UP} frames")
    for count in (10, 50):
        table.add_row(str(count), f"{_time_a_frame(count) * 1e6:.0f}")
    return table


def measure_accuracy(truth_file: Path, clip: Path) -> Table:
    """Return MOTA, IDF1 and identity switches at 10 and 5 analysed frames a second of a clip with 10."""
    truth = _read_truth(truth_file)
    frames = list(_detect(clip, max(truth)))
    table = Table("frames analysed", *METRICS, title=f"{clip.name}: people at overlap {SAME_AT_OVERLAP}")
    for name, step, first in (("every", 1, 1), ("every 2nd, odd", 2, 1), ("every 2nd, even", 2, 2)):
        scores = _score(truth, _follow(frames, step, first))
        table.add_row(
            name, *(f"{scores[metric]:.3f}" if metric in METRICS[:2] else f"{scores[metric]:.0f}" for metric in METRICS)
        )
    return table


def _time_a_frame(count: int) -> float:
    luck = np.random.default_rng(0)
    places, steps = luck.uniform(100, 1800, (count, 2)), luck.uniform(-3, 3, (count, 2))
    tracker, times = Tracker(TrackingSettings()), []
    for index in range(FRAMES):
        centres = places + steps * index + luck.normal(0, 1, (count, 2))
        sides = np.tile((30.0, 75.0), (count, 1))
        detections = Detections(
            boxes_xyxy=to_corners(np.concatenate((centres, sides), axis=1)).astype(np.float32),
            scores=np.full(count, 0.7, np.float32),
            class_ids=np.zeros(count, np.int32),
        )
        begin = time.perf_counter()
        tracker.update(Look.at_whole_frame(detections), Fraction(index, 10))
        times.append(time.perf_counter() - begin)
    return float(np.median(times[WARM_UP:]))


def _read_truth(path: Path) -> Truth:
    truth: Truth = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row[0].isdigit():
                x, y, width, height = map(float, row[2:6])
                truth[int(row[0])].append((int(row[1]), (x, y, x + width, y + height)))
    return truth


def _detect(clip: Path, count: int) -> Iterator[Detections]:
    """Give the people of each of the first frames."""
    detector = open_detector()
    person = detector.card.labels.index("person")
    with av.open(str(clip)) as container:
        for _, frame in zip(range(count), container.decode(video=0), strict=False):
            (found,) = detector.detect([frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)])
            rows = found.class_ids == person
            yield Detections(
                boxes_xyxy=found.boxes_xyxy[rows], scores=found.scores[rows], class_ids=found.class_ids[rows]
            )


def _follow(frames: list[Detections], step: int, first: int) -> dict[int, Tracks]:
    """Return the tracks of every analysed frame, counted from 1."""
    tracker = Tracker(TrackingSettings())
    return {
        number: tracker.update(Look.at_whole_frame(frames[number - 1]), Fraction(number, 10))
        for number in range(first, len(frames) + 1, step)
    }


def _score(truth: Truth, followed: dict[int, Tracks]) -> dict[str, Any]:
    motmetrics = importlib.import_module("motmetrics")
    accumulator = motmetrics.MOTAccumulator()
    for number in sorted(truth.keys() & followed.keys()):
        tracks = followed[number]
        told = tracks.confirmed & tracks.travelled & tracks.seen
        people = truth[number]
        distance = 1 - overlaps(np.array([box for _, box in people]), tracks.boxes_xyxy[told])
        distance[distance > 1 - SAME_AT_OVERLAP] = np.nan
        accumulator.update([person for person, _ in people], tracks.keys[told], distance, frameid=number)
    summary = motmetrics.metrics.create().compute(accumulator, metrics=list(METRICS))
    return {metric: summary[metric].iloc[0] for metric in METRICS}


def main() -> None:
    """Print the accuracy on the truth that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tracker", description=__doc__)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--clip", type=Path, required=True)
    arguments = parser.parse_args()
    Console().print(measure_accuracy(arguments.truth, arguments.clip))


if __name__ == "__main__":
    main()

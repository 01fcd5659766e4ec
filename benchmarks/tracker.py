"""P9: the tracker beside roboflow's ByteTrack: time a frame, and how well each keeps people apart.

    python -m benchmarks tracker --truth PEOPLE.csv

The truth has one row a person and frame: `frame,id,x,y,width,height`, frames counted from 1, pixels. Scored are the
frames of the truth, at an overlap of 0.5, with `motmetrics`; both trackers get the same detections of the packaged
model in every analysed frame. What a tracker says of a frame is what it says at that moment, without knowing what
comes:

- ours: tracks that are confirmed, have moved, and are known to be there: detected, or followed by optical flow;
- ours, own looks: the same, but the detector only looks when the tracker asks for it, as in the pipeline;
- ByteTrack: the boxes to which it gives a number.
"""

import importlib
import sys
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.people import AS_IT_IS, FPS, GUISES, SAME_AT_OVERLAP, Shown, Truth, clips, read_truth, shown
from benchmarks.harness.report import Report, Target
from benchmarks.harness.tools import ToolMissingError, site_packages
from winnow.detectors import Detections
from winnow.pipeline.detection import Look
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracker, Tracks
from winnow.pipeline.tracking.boxes import overlaps, to_corners

FRAMES: Final = 300
WARM_UP: Final = 50
ROUNDS: Final = 5
SCORE: Final = 0.9
"""Of the moving boxes that are timed: well above what either tracker wants of a new track."""

OBJECTS: Final = (10, 50)
LOOK_AROUND_S: Final = 5
"""The pipeline looks at the whole frame this often."""

METRICS: Final = ("mota", "idf1", "num_switches", "num_misses", "num_false_positives", "num_objects")
COLUMNS: Final = ("tracker", "footage", "MOTA", "IDF1", "switches", "missed", "false", "boxes", "looks")

Said = dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]
"""By frame, counted from 1: keys and corners of the tracks told of."""

Way = tuple[Callable[..., Any], Sequence[tuple[Any, ...]]]
"""A tracker's update, and its arguments by frame."""

Follow = Callable[[list[Shown]], tuple[Said, float]]
"""Frames to what was said of each, and the share of them that the detector looked at."""


def measure(truth: Path | None = None) -> Report:
    """Return times, and with a truth the accuracy on every clip that is here."""
    notes, theirs = [], None
    try:
        theirs = _load_theirs()
    except ToolMissingError as missing:
        notes.append(str(missing))
    rows, targets = _times(theirs)
    if truth is None:
        notes.append("accuracy needs `--truth PEOPLE.csv`")
    elif theirs is None:
        notes.append("accuracy is scored with `motmetrics`")
    else:
        notes.append(
            "mean: every clip and rate as it is, mirrored, moved by some pixels, and dimmed; single runs vary by chance"
        )
        scored, more = _accuracy(read_truth(truth), theirs)
        rows, targets = rows + scored, targets + more
    notes.append(
        f"times: medians of {FRAMES - WARM_UP} frames with moving boxes, then of {ROUNDS} rounds in turns; nothing "
        "else runs between two frames; both without pixels, so without optical flow"
    )
    return Report(title="Trackers on the same detections", columns=COLUMNS, rows=rows, targets=targets, notes=notes)


def _load_theirs() -> Callable[[], Any]:
    """Return what makes a ByteTrack of `trackers`, with its own defaults, at the clips' rate.

    Raises:
        ToolMissingError: it is not installed.
    """
    folder = str(site_packages())
    if folder not in sys.path:
        sys.path.append(folder)
    trackers = importlib.import_module("trackers")
    return lambda: trackers.ByteTrackTracker(frame_rate=float(FPS))


def _times(theirs: Callable[[], Any] | None) -> tuple[list[tuple[str, ...]], list[Target]]:
    rows, targets = [], []
    for count in OBJECTS:
        frames = _walks(count)
        makes: dict[str, Callable[[], Way]] = {"ours": partial(_our_way, frames)}
        if theirs is not None:
            makes["ByteTrack"] = partial(_their_way, theirs, frames)
        taken_s = _medians_s(makes)
        rows += [_time_row(name, count, each_s) for name, each_s in taken_s.items()]
        what = f"time a frame with {count} objects ÷ ByteTrack"
        ratio = taken_s["ours"] / taken_s["ByteTrack"] if "ByteTrack" in taken_s else None
        targets.append(Target(number="P9", what=what, measured=ratio, limit=0.25, bound="at most"))
    return rows, targets


def _time_row(name: str, count: int, taken_s: float) -> tuple[str, ...]:
    return (name, f"{count} boxes: {taken_s * 1e6:.0f} µs", *["-"] * (len(COLUMNS) - 2))


def _our_way(frames: list[Detections]) -> Way:
    return _our_update(), list(enumerate(frames))


def _their_way(theirs: Callable[[], Any], frames: list[Detections]) -> Way:
    convert = _converter()
    return theirs().update, [(convert(found),) for found in frames]


def _our_update() -> Callable[[int, Detections], Tracks]:
    tracker = Tracker(TrackingSettings())
    return lambda index, found: tracker.update(Look.at_whole_frame(found), Fraction(index, FPS))


def _medians_s(makes: dict[str, Callable[[], Way]]) -> dict[str, float]:
    """Return the time of a frame by tracker: the median over frames, and over rounds in which they take turns."""
    rounds: dict[str, list[float]] = {name: [] for name in makes}
    for _ in range(ROUNDS):
        for name, make in makes.items():
            update, given = make()
            times = []
            for arguments in given:
                begin_s = time.perf_counter()
                update(*arguments)
                times.append(time.perf_counter() - begin_s)
            rounds[name].append(float(np.median(times[WARM_UP:])))
    return {name: float(np.median(taken)) for name, taken in rounds.items()}


def _walks(count: int) -> list[Detections]:
    luck = np.random.default_rng(0)
    places, steps = luck.uniform(100, 1800, (count, 2)), luck.uniform(-3, 3, (count, 2))
    frames = []
    for index in range(FRAMES):
        centres = places + steps * index + luck.normal(0, 1, (count, 2))
        boxes = to_corners(np.concatenate((centres, np.tile((30.0, 75.0), (count, 1))), axis=1)).astype(np.float32)
        frames.append(
            Detections(boxes_xyxy=boxes, scores=np.full(count, SCORE, np.float32), class_ids=np.zeros(count, np.int32))
        )
    return frames


def _converter() -> Callable[[Detections], Any]:
    supervision = importlib.import_module("supervision")
    return lambda found: supervision.Detections(
        xyxy=found.boxes_xyxy.copy(), confidence=found.scores.copy(), class_id=found.class_ids.copy()
    )


def _accuracy(truth: Truth, theirs: Callable[[], Any]) -> tuple[list[tuple[str, ...]], list[Target]]:
    follows: dict[str, Follow] = {
        "ours": lambda frames: _follow(frames, in_every_frame=True),
        "ours, own looks": lambda frames: _follow(frames, in_every_frame=False),
        "ByteTrack": lambda frames: (_follow_theirs(theirs(), frames), 1.0),
    }
    rows, targets = [], []
    every: dict[str, list[tuple[dict[str, float], float]]] = {tracker: [] for tracker in follows}
    for clip, guise in product(clips(), GUISES):
        frames = shown(clip, max(truth), guise)
        for name, step, first in (("10/s", 1, 0), ("5/s, odd", 2, 0), ("5/s, even", 2, 1)):
            scores = {}
            for tracker, follow in follows.items():
                said, looks = follow(frames[first::step])
                scores[tracker] = _score(truth, said)
                every[tracker].append((scores[tracker], looks))
                if guise is AS_IT_IS:
                    rows.append(_accuracy_row(tracker, f"{clip.name}, {name}", scores[tracker], looks))
            if guise is AS_IT_IS:
                targets += _goals(f"{clip.name}, {name}", scores["ours"], scores["ByteTrack"])
    rows += [
        _accuracy_row(tracker, f"mean of {len(runs)} runs", *_mean(runs)) for tracker, runs in every.items() if runs
    ]
    return rows, targets


def _mean(runs: list[tuple[dict[str, float], float]]) -> tuple[dict[str, float], float]:
    scores = {metric: float(np.mean([score[metric] for score, _ in runs])) for metric in METRICS}
    return scores, float(np.mean([looks for _, looks in runs]))


def _accuracy_row(tracker: str, footage: str, score: dict[str, float], looks: float) -> tuple[str, ...]:
    figures = [f"{score[metric]:.3f}" for metric in METRICS[:2]] + [f"{score[metric]:.0f}" for metric in METRICS[2:]]
    return (tracker, footage, *figures, f"{looks:.2f}")


def _goals(footage: str, ours: dict[str, float], theirs: dict[str, float]) -> list[Target]:
    goals: list[Target] = []
    for number, what, value, limit in (
        ("", "MOTA", ours["mota"], 0.85),
        ("", "IDF1", ours["idf1"], 0.80),
        ("P9", "MOTA ÷ ByteTrack's", ours["mota"] / theirs["mota"], 1.0),
        ("P9", "IDF1 ÷ ByteTrack's", ours["idf1"] / theirs["idf1"], 1.0),
    ):
        goals.append(Target(number=number, what=f"{footage}: {what}", measured=value, limit=limit, bound="at least"))
    switches = ours["num_switches"]
    goals.append(Target(number="", what=f"{footage}: switches", measured=switches, limit=8, bound="at most"))
    return goals


def _follow(frames: list[Shown], *, in_every_frame: bool) -> tuple[Said, float]:
    tracker, said, looks, around_s = Tracker(TrackingSettings()), {}, 0, Fraction(-LOOK_AROUND_S)
    for frame in frames:
        is_due = frame.at_s - around_s >= LOOK_AROUND_S
        if in_every_frame or is_due or tracker.needs_detection(frame.at_s, frame.moving_xyxy):
            looks += 1
            around_s = frame.at_s if is_due else around_s
            tracks = tracker.update(Look.at_whole_frame(frame.people), frame.at_s, frame.luma, frame.moving_xyxy)
        else:
            tracks = tracker.coast(frame.at_s, frame.luma)
        said[frame.number] = _told(tracks)
    return said, looks / len(frames)


def _told(tracks: Tracks) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    told = tracks.confirmed & tracks.travelled & tracks.followed
    return tracks.keys[told], tracks.boxes_xyxy[told]


def _follow_theirs(tracker: Any, frames: list[Shown]) -> Said:
    convert, said = _converter(), {}
    for frame in frames:
        found = tracker.update(convert(frame.people))
        told = np.asarray(found.tracker_id) >= 0
        said[frame.number] = (np.asarray(found.tracker_id)[told].astype(np.int64), found.xyxy[told].astype(np.float64))
    return said


def _score(truth: Truth, said: Said) -> dict[str, float]:
    motmetrics = importlib.import_module("motmetrics")
    accumulator = motmetrics.MOTAccumulator()
    for number in sorted(truth.keys() & said.keys()):
        keys, boxes = said[number]
        distance = 1 - overlaps(np.array([box for _, box in truth[number]]), boxes)
        distance[distance > 1 - SAME_AT_OVERLAP] = np.nan
        accumulator.update([person for person, _ in truth[number]], keys, distance, frameid=number)
    summary = motmetrics.metrics.create().compute(accumulator, metrics=list(METRICS))
    return {metric: float(summary[metric].iloc[0]) for metric in METRICS}

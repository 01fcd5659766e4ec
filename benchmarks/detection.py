"""Detection on windows against detection on whole frames: who is found, and how many runs of the model it takes.

    python -m benchmarks detection                                      the street clip, set into larger frames
    python -m benchmarks.detection TRUTH.csv --clip vtest.avi           the same against annotated people

The clip is made smaller, so that its people get the height that the table names, and set into a frame whose rest is the
clip's own empty ground, mirrored: no person is enlarged, and everything around them is of the same camera. Without a
truth, people are those that the detector is sure of (score 0.5) in the clip itself, where they are 77 px high; with one
(`frame,id,x,y,w,h`, frames counted from 1) it is the annotated. A person is found by a box of score 0.4 that overlaps
by half.
"""

import argparse
import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import linear_sum_assignment

from winnow.detectors import Detections, Detector, open_detector
from winnow.pipeline.detection import LookPlan, ObjectFinder, plan_look, plan_whole_frame
from winnow.pipeline.detection.planning import Tile
from winnow.pipeline.motion import MotionGate
from winnow.pipeline.settings import DetectionSettings, MotionSettings, TrackingSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.tracking import Tracker
from winnow.pipeline.tracking.boxes import overlaps

STREET: Final = Path(__file__).parent.parent / "sample_videos" / "street.mp4"
CLIP_FPS: Final = 10
CLIP_PERSON_PX: Final = 77
"""Median height of the people in the clip."""

FOUND_SCORE: Final = 0.4
SURE_SCORE: Final = 0.5
SAME_AT_OVERLAP: Final = 0.5
FRAMES: Final = 200
ANALYSED_EVERY: Final = 2

Pixels = NDArray[np.uint8]
Boxes = NDArray[np.float64]
Place = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SmallPeople:
    """The clip, made smaller and set into a larger frame.

    Attributes:
        size: of the frame, width and height.
        person_px: median height of its people.
        places: where the clip's left upper corner is; at each place it begins 100 frames later than at the one before.
    """

    size: tuple[int, int]
    person_px: int
    places: tuple[Place, ...]

    @property
    def scale(self) -> float:
        """Size of the clip's pixels."""
        return self.person_px / CLIP_PERSON_PX

    def frames(self, clip: Sequence[Pixels]) -> Iterator[Frame]:
        """Return every analysed frame, as a decoder gives them."""
        ground = self._ground(clip)
        for index in range(0, len(clip), ANALYSED_EVERY):
            picture = ground.copy()
            for number, (x, y) in enumerate(self.places):
                shown = self._small(clip[(index + 100 * number) % len(clip)])
                picture[y : y + shown.shape[0], x : x + shown.shape[1]] = shown
            image = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p", threads=1)
            frame = Frame.from_bgr(picture[:2, :2], index=index, frame_rate=CLIP_FPS)
            yield Frame(
                image=image,
                index=index,
                pts=index,
                time_base=Fraction(1, CLIP_FPS),
                stream_s=frame.stream_s,
                stream_epoch=0,
                captured_at=frame.captured_at,
            )

    def people(self, index: int, known: dict[int, Boxes], count: int) -> Boxes | None:
        """Return the people of a frame, None if they are not known at every place."""
        shown = [(index + 100 * number) % count for number in range(len(self.places))]
        if not all(number in known for number in shown):
            return None
        moved = [known[n] * self.scale + np.tile(place, 2) for n, place in zip(shown, self.places, strict=True)]
        return np.concatenate(moved)

    def _small(self, picture: Pixels) -> Pixels:
        small: Pixels = cv2.resize(picture, None, fx=self.scale, fy=self.scale, interpolation=cv2.INTER_AREA).astype(
            np.uint8, copy=False
        )
        return small

    def _ground(self, clip: Sequence[Pixels]) -> Pixels:
        """Return the clip's empty ground, mirrored until the frame is full."""
        empty = self._small(np.median(np.array(clip[:: max(1, len(clip) // 30)]), axis=0).astype(np.uint8))
        width, height = self.size
        rows = ((0, max(0, height - empty.shape[0])), (0, max(0, width - empty.shape[1])), (0, 0))
        return np.pad(empty, rows, mode="symmetric")[:height, :width]


SCENES: Final = (
    SmallPeople(size=(768, 576), person_px=77, places=((0, 0),)),
    SmallPeople(size=(1280, 720), person_px=60, places=((600, 200),)),
    SmallPeople(size=(1920, 1080), person_px=60, places=((1200, 500),)),
    SmallPeople(size=(1920, 1080), person_px=60, places=((60, 40), (1300, 600))),
)


def measure() -> Table:
    """Return recall, precision and runs, people being those found for sure in the clip itself."""
    clip = read_clip(STREET, FRAMES)
    return _table(clip, sure_people(open_detector(), clip), "found for sure in the clip itself")


def read_clip(path: Path, count: int) -> list[Pixels]:
    """Return the first pictures of a clip."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False)
            for frame in islice(container.decode(video=0), count)
        ]


def sure_people(detector: Detector, clip: Sequence[Pixels]) -> dict[int, Boxes]:
    """Return the people that the detector is sure of, by number of the picture."""
    found = {index: detector.detect([clip[index]])[0] for index in range(0, len(clip), ANALYSED_EVERY)}
    return {index: people_of(detector, one.scoring_at_least(SURE_SCORE)) for index, one in found.items()}


def people_of(detector: Detector, detections: Detections) -> Boxes:
    """Return the boxes of people."""
    is_person = detections.class_ids == detector.card.labels.index("person")
    boxes: Boxes = detections.boxes_xyxy[is_person].astype(np.float64)
    return boxes


def count_found(people: Boxes, boxes: Boxes) -> Counter[str]:
    """Return how many people were found, how many there are, and how many boxes."""
    overlap = overlaps(people, boxes)
    possible = np.where(overlap >= SAME_AT_OVERLAP, overlap, 0.0)
    rows, columns = linear_sum_assignment(possible, maximize=True)
    return Counter(found=int((possible[rows, columns] > 0).sum()), people=len(people), boxes=len(boxes))


def squeezed(size: tuple[int, int], detector: Detector) -> LookPlan:
    """Return a plan that shows the whole frame in one input, as detectors are usually used."""
    spec = detector.card.input
    return LookPlan(inputs=((Tile(window=(0, 0, *size), place=(0, 0, spec.width, spec.height)),),), is_whole_frame=True)


class WindowLooks:
    """Decides for one scene where the detector looks, as the pipeline does; the tracker keeps to its people."""

    def __init__(self, detector: Detector, size: tuple[int, int]) -> None:
        self._detector = detector
        self._size = size
        self._settings = DetectionSettings()
        self._gate = MotionGate(MotionSettings())
        self._tracker = Tracker(TrackingSettings())
        self._finder = ObjectFinder(detector)
        self._looked_around_s: Fraction | None = None

    def look(self, frame: Frame) -> tuple[Boxes, int]:
        """Return the people found for sure enough, and how many runs it took."""
        plan = self._plan(frame)
        if plan is None:
            self._tracker.coast(frame.stream_s)
            return np.empty((0, 4)), 0
        look = self._finder.look(frame, plan)
        self._tracker.update(look, frame.stream_s)
        return people_of(self._detector, look.detections.scoring_at_least(FOUND_SCORE)), len(plan.inputs)

    def _plan(self, frame: Frame) -> LookPlan | None:
        width, height = self._size
        regions = self._gate.update(frame.luma()).regions
        at_s, spec = frame.stream_s, self._detector.card.input
        if self._looked_around_s is None or at_s - self._looked_around_s >= self._settings.whole_frame_every_s:
            self._looked_around_s = at_s
            return plan_whole_frame(self._size, spec)
        areas = [(x * width, y * height, (x + w) * width, (y + h) * height) for x, y, w, h in regions]
        areas += [(x1, y1, x2, y2) for x1, y1, x2, y2 in self._tracker.where_to_look(at_s).tolist()]
        return plan_look(areas, self._size, spec, self._settings.max_runs) if areas else None


def compare(
    scene: SmallPeople, clip: Sequence[Pixels], known: dict[int, Boxes], detector: Detector
) -> dict[str, Counter[str]]:
    """Return what was found, and runs and frames, by way of looking."""
    finder, windows = ObjectFinder(detector), WindowLooks(detector, scene.size)
    plans = {"squeezed": squeezed(scene.size, detector), "whole": plan_whole_frame(scene.size, detector.card.input)}
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for frame in scene.frames(clip):
        boxes, runs = windows.look(frame)
        sums["windows"].update(runs=runs, frames=1)
        people = scene.people(frame.index, known, len(clip))
        if people is None:
            continue
        sums["windows"].update(count_found(people, boxes))
        for name, plan in plans.items():
            found = finder.look(frame, plan).detections.scoring_at_least(FOUND_SCORE)
            sums[name].update(runs=len(plan.inputs), frames=1)
            sums[name].update(count_found(people, people_of(detector, found)))
    return sums


def _table(clip: Sequence[Pixels], known: dict[int, Boxes], kind: str) -> Table:
    columns = ("frame", "people", "height", "looked at", "recall", "precision", "runs a frame")
    table = Table(*columns, title=f"people {kind}, score {FOUND_SCORE}, overlap {SAME_AT_OVERLAP}")
    detector = open_detector()
    for scene in SCENES:
        for name, sums in compare(scene, clip, known, detector).items():
            table.add_row(
                f"{scene.size[0]}x{scene.size[1]}",
                str(sums["people"]),
                f"{scene.person_px} px",
                name,
                f"{sums['found'] / sums['people']:.3f}",
                f"{sums['found'] / max(1, sums['boxes']):.3f}",
                f"{sums['runs'] / sums['frames']:.2f}",
            )
    return table


def _read_truth(path: Path) -> dict[int, Boxes]:
    """Return the annotated people by number of the picture, counted from 0."""
    rows: dict[int, list[tuple[float, float, float, float]]] = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row[0].isdigit():
                x, y, width, height = map(float, row[2:6])
                rows[int(row[0]) - 1].append((x, y, x + width, y + height))
    return {index: np.array(boxes) for index, boxes in rows.items()}


def main() -> None:
    """Print the comparison against the truth that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--clip", type=Path, required=True)
    arguments = parser.parse_args()
    truth = _read_truth(arguments.truth)
    Console().print(_table(read_clip(arguments.clip, max(truth) + 1), truth, "annotated"))


if __name__ == "__main__":
    main()

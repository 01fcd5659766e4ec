"""Footage with people: each frame's luma and the people that the project's own model finds in the whole of it."""

import csv
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.harness.cost import ROOT
from winnow.detectors import Detections, open_detector
from winnow.pipeline.motion import MotionGate
from winnow.pipeline.settings import MotionSettings
from winnow.pipeline.tracking.boxes import overlaps

FPS: Final = 10
"""Of both clips."""

CLIPS: Final = (Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi"), ROOT / "sample_videos" / "street.mp4")
"""The original of Debian's package `opencv-doc`, and the project's H.264 copy of it."""

SAME_AT_OVERLAP: Final = 0.5

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guise:
    """Another way to show a clip: the same people, other boxes. One run alone says much about chance.

    Attributes:
        name: of it.
        of_picture: uint8 (height, width) or (height, width, 3) → as it is shown to the model and the motion gate.
        of_boxes: (N, 4) in a shown picture and its width → where they are in the clip's own.
    """

    name: str
    of_picture: Callable[[Picture], Picture]
    of_boxes: Callable[[NDArray[np.float64], int], NDArray[np.float64]]


ASIDE_PX: Final = (5, 3)
"""To the right and down: no multiple of the detector's grid."""


def _mirrored(picture: Picture) -> Picture:
    return np.ascontiguousarray(picture[:, ::-1])


def _moved(picture: Picture) -> Picture:
    right, down = ASIDE_PX
    wider = np.asarray(cv2.copyMakeBorder(picture, down, 0, right, 0, cv2.BORDER_REPLICATE), np.uint8)
    return np.ascontiguousarray(wider[:-down, :-right])


def _dimmed(picture: Picture) -> Picture:
    return (picture * np.float32(0.8) + 8).astype(np.uint8)


AS_IT_IS: Final = Guise(name="as it is", of_picture=lambda picture: picture, of_boxes=lambda boxes, _: boxes)
GUISES: Final = (
    AS_IT_IS,
    Guise(
        name="mirrored",
        of_picture=_mirrored,
        of_boxes=lambda boxes, width: (
            np.array([width, 0, width, 0]) + boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1])
        ),
    ),
    Guise(name="moved", of_picture=_moved, of_boxes=lambda boxes, _: boxes - np.tile(ASIDE_PX, 2)),
    Guise(name="dimmed", of_picture=_dimmed, of_boxes=lambda boxes, _: boxes),
)

Truth = dict[int, list[tuple[int, tuple[float, float, float, float]]]]
"""By frame, counted from 1: each person's number and corners."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """One frame.

    Attributes:
        number: counted from 1.
        luma: uint8 (height, width).
        people: what the model finds.
        moving_xyxy: float64 (M, 4), where the motion gate sees something move, were it shown every frame of the clip.
    """

    number: int
    luma: NDArray[np.uint8]
    people: Detections
    moving_xyxy: NDArray[np.float64]

    @property
    def at_s(self) -> Fraction:
        """Stream time."""
        return Fraction(self.number, FPS)


def clips() -> list[Path]:
    """Return the clips that are here."""
    return [clip for clip in CLIPS if clip.is_file()]


def shown(clip: Path, frames: int, guise: Guise = AS_IT_IS) -> list[Shown]:
    """Return the first frames of a clip, each looked at by the model as a whole; places are the clip's own."""
    detector = open_detector()
    person = detector.card.labels.index("person")
    gate, every = MotionGate(MotionSettings()), []
    with av.open(str(clip)) as container:
        for number, frame in zip(range(1, frames + 1), container.decode(video=0), strict=False):
            luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
            (found,) = detector.detect(
                [guise.of_picture(frame.to_ndarray(format="bgr24").astype(np.uint8, copy=False))]
            )
            rows = found.class_ids == person
            boxes = guise.of_boxes(found.boxes_xyxy[rows].astype(np.float64), frame.width)
            moving = _pixels(gate.update(guise.of_picture(luma)).regions, luma)
            every.append(
                Shown(
                    number=number,
                    luma=luma,
                    people=Detections(
                        boxes_xyxy=boxes.astype(np.float32),
                        scores=found.scores[rows],
                        class_ids=found.class_ids[rows],
                    ),
                    moving_xyxy=guise.of_boxes(moving, frame.width),
                )
            )
    return every


def read_truth(path: Path) -> Truth:
    """Return the people of a file with rows `frame,id,x,y,width,height`."""
    truth: Truth = defaultdict(list)
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if row[0].isdigit():
                x, y, width, height = map(float, row[2:6])
                truth[int(row[0])].append((int(row[1]), (x, y, x + width, y + height)))
    return truth


def agreement(told: list[NDArray[np.float64]], found: list[NDArray[np.float64]]) -> float:
    """Return F1 of the boxes told of each frame against those found in it, one to one at `SAME_AT_OVERLAP`."""
    hits = 0
    for ours, theirs in zip(told, found, strict=True):
        overlap = overlaps(ours, theirs)
        rows, columns = linear_sum_assignment(np.where(overlap >= SAME_AT_OVERLAP, 1 + overlap, 0.0), maximize=True)
        hits += int((overlap[rows, columns] >= SAME_AT_OVERLAP).sum())
    every = sum(map(len, told)) + sum(map(len, found))
    return 2 * hits / every if every else 1.0


def _pixels(regions: tuple[tuple[float, float, float, float], ...], luma: NDArray[np.uint8]) -> NDArray[np.float64]:
    shares = np.array(regions, np.float64).reshape(-1, 4)
    height, width = luma.shape
    corners = np.concatenate((shares[:, :2], shares[:, :2] + shares[:, 2:]), axis=1)
    return corners * np.array((width, height, width, height), np.float64)

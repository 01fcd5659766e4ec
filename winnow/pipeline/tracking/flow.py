"""How far boxes moved between two frames, read from the pixels inside them.

A grid of 15 points a box is followed by pyramidal Lucas-Kanade, there and back again; points that do not come back to
where they started are dropped, and the box goes where the median of the rest goes. That costs a small part of a
detector's run and is more exact than its boxes, so it carries tracks through the frames that the detector skips and
through those in which it misses them.

Only a cell around each box is looked at, thinned so that the box is about 32 pixels long whatever its size in the
frame. The cells of all boxes stand side by side in one strip: one call follows every point, and all that is kept of a
frame is its strip.

Sources: Lucas and Kanade, An iterative image registration technique, IJCAI 1981; Bouguet, Pyramidal implementation of
the Lucas Kanade feature tracker, Intel 2000; Kalal et al., Forward-backward error, ICPR 2010.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.tracking.boxes import Boxes

CELL_PX: Final = 64
"""Side of a cell, thinned pixels."""

BOX_PX: Final = 32
"""Longer side of a box in its cell, thinned pixels, about; half a cell is left for the way it goes."""

GRID: Final = (3, 5)
"""Points across and down a box."""

INSET: Final = (0.2, 0.13)
"""Shares of the box's width and height that are left out on each side: background."""

BACK_WITHIN_PX: Final = 1.0
"""A point that returns farther from its start than this, in thinned pixels, was lost."""

MIN_POINTS: Final = 5
"""A third of the points: fewer say more about what is in front of the box than about the box."""

_WINDOW: Final = (9, 9)
_LEVELS: Final = 1
"""Halvings: with the cell laid where the box is expected, points are at most a few thinned pixels away. A second one
hardly changed a figure and took about an eighth more time."""

_STOP: Final = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)
_LEAST_TEXTURE: Final = 1e-3
"""Smallest eigenvalue of a point's gradients: on an even surface there is nothing to follow."""

_FRACTIONS: Final = np.stack(
    np.meshgrid(
        np.linspace(INSET[0] - 0.5, 0.5 - INSET[0], GRID[0]), np.linspace(INSET[1] - 0.5, 0.5 - INSET[1], GRID[1])
    ),
    axis=-1,
).reshape(-1, 2)
"""Where the points are: shares of width and height from the box's centre, float64 (15, 2)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifts:
    """How far each box moved from one frame to the next; rows are those of the boxes.

    Attributes:
        pixels: float64 (N, 2), to the right and down; 0 where it is not known.
        known: bool (N,), enough points came back.
    """

    pixels: NDArray[np.float64]
    known: NDArray[np.bool_]

    @classmethod
    def unknown(cls, count: int) -> "Shifts":
        """Return that nothing is known of `count` boxes."""
        return cls(pixels=np.zeros((count, 2)), known=np.zeros(count, np.bool_))


class Flow:
    """The cells of one frame's boxes, until the next frame shows where they went."""

    def __init__(self) -> None:
        self._strip = np.empty((0, CELL_PX), np.uint8)
        self._centres = np.empty((0, 2), np.int64)
        self._steps = np.empty(0, np.int64)
        self._points = np.empty((0, len(_FRACTIONS), 2), np.float64)
        self._size: tuple[int, ...] = ()

    def remember(self, luma: NDArray[np.uint8], boxes_xyxy: Boxes) -> None:
        """Keep what is needed of a frame (height, width) to follow these boxes into the next one."""
        self._size = luma.shape
        sides = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
        middles = (boxes_xyxy[:, 2:] + boxes_xyxy[:, :2]) / 2
        self._centres = np.rint(middles).astype(np.int64)
        self._steps = np.maximum(1, np.rint(sides.max(axis=1) / BOX_PX)).astype(np.int64)
        away = middles - self._centres
        self._points = (away[:, None] + sides[:, None] * _FRACTIONS) / self._steps[:, None, None]
        self._strip = _strip(luma, self._centres, self._steps)

    def measure(
        self, luma: NDArray[np.uint8], expected: NDArray[np.float64], chosen: NDArray[np.bool_] | None = None
    ) -> Shifts:
        """Return how far the remembered boxes have moved, now that the frame is this.

        Args:
            luma: brightness (height, width).
            expected: (N, 2), about how far each will have moved, pixels.
            chosen: (N,), which to measure, as each costs time; the others stay unknown. None means all.
        """
        rows = np.arange(len(self._centres)) if chosen is None else np.flatnonzero(chosen)
        shifts = Shifts.unknown(len(self._centres))
        if not len(rows) or luma.shape != self._size:
            return shifts
        ahead, steps, points = np.rint(expected[rows]).astype(np.int64), self._steps[rows], self._points[rows]
        before = self._strip.reshape(-1, CELL_PX, CELL_PX)[rows].reshape(-1, CELL_PX)
        there, is_good = _follow(before, _strip(luma, self._centres[rows] + ahead, steps), points)
        moved = ahead[:, None] + (there - points) * steps[:, None, None]
        shifts.known[rows] = is_good.sum(axis=1) >= MIN_POINTS
        shifts.pixels[rows] = _medians(moved, is_good)
        shifts.pixels[~shifts.known] = 0.0
        return shifts


def _medians(values: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the median (N, 2) of each row's good values (N, P, 2); rows without any give no number of use."""
    ordered = np.sort(np.where(good[:, :, None], values, np.inf), axis=1)
    count, row = good.sum(axis=1), np.arange(len(values))
    medians: NDArray[np.float64] = (ordered[row, np.maximum(count - 1, 0) // 2] + ordered[row, count // 2]) / 2
    return medians


def _strip(luma: NDArray[np.uint8], centres: NDArray[np.int64], steps: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the cells of all boxes below each other; beyond the frame's border its outermost pixels are repeated."""
    height, width = luma.shape
    strip = np.empty((len(centres) * CELL_PX, CELL_PX), np.uint8)
    offsets = np.arange(-(CELL_PX // 2), CELL_PX // 2)
    for index, (x, y, step) in enumerate(zip(*centres.T.tolist(), steps.tolist(), strict=True)):
        room = CELL_PX // 2 * step
        cell = strip[index * CELL_PX : (index + 1) * CELL_PX]
        if room <= x <= width - room and room <= y <= height - room:
            # A slice takes a fraction of the time that picking by indices takes.
            cell[:] = luma[y - room : y + room : step, x - room : x + room : step]
        else:
            rows, columns = (np.clip(at + offsets * step, 0, end - 1) for at, end in ((y, height), (x, width)))
            cell[:] = luma[rows[:, None], columns]
    return strip


def _follow(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return where each point (N, P, 2) of its cell went, and which came back."""
    count, each = points.shape[:2]
    origin = np.zeros((count, 1, 2))
    origin[:, 0, 0] = CELL_PX // 2
    origin[:, 0, 1] = CELL_PX // 2 + CELL_PX * np.arange(count)
    start = (points + origin).reshape(-1, 1, 2).astype(np.float32)
    there, found = _points_after(before, after, start)
    back, returned = _points_after(after, before, there)
    strayed = np.abs(back - start).max(axis=(1, 2))
    is_good = found & returned & (strayed <= BACK_WITHIN_PX)
    return there.reshape(count, each, 2).astype(np.float64) - origin, is_good.reshape(count, each)


def _points_after(
    before: NDArray[np.uint8], after: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return where each point (N, 1, 2) went, and whether it was found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        points,
        points.copy(),
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        minEigThreshold=_LEAST_TEXTURE,
    )
    return np.asarray(there, np.float32), np.asarray(found)[:, 0] == 1

"""The small picture that a camera's health is judged by, and what can be measured in it alone."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 160
HEIGHT: Final = 90

_SAMPLES: Final = 2
"""Pixels of the thinned picture that are averaged for one of the view, in each direction: they take off noise."""

_FINE_DEVIATION: Final = 1.5
"""Detail is what a blur by so many pixels of the view takes away."""

_DIM: Final = 16
"""Added to the brightness that detail is compared with, so that the dark is not all detail."""

_NEIGHBOURHOOD: Final = (21, 21)
_FAINT: Final = 12.0
"""Edges are compared with those around them, and with this much: noise in flat areas does not count as edges."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """One small picture.

    Attributes:
        dark: grey level that 98 of 100 pixels stay at or below.
        bright: grey level that 98 of 100 pixels stay at or above.
        contrast: standard deviation of the grey levels.
        detail: how much fine structure there is, relative to the brightness.
        edges: float32 (90, 160): how steep each pixel is compared with those around it; light and its colour hardly
            change that.
    """

    dark: float
    bright: float
    contrast: float
    detail: float
    edges: NDArray[np.float32]


def view_of(luma: NDArray[np.uint8]) -> View:
    """Return the view of a luma plane (height, width) of any size."""
    step = max(1, min(luma.shape[0] // (HEIGHT * _SAMPLES), luma.shape[1] // (WIDTH * _SAMPLES)))
    thinned = np.ascontiguousarray(luma[step // 2 :: step, step // 2 :: step])
    small = cv2.resize(thinned, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    bright, dark = np.partition(small, (small.size // 50, small.size - small.size // 50 - 1), axis=None)[
        [small.size // 50, small.size - small.size // 50 - 1]
    ]
    fine = np.abs(small - cv2.GaussianBlur(small, (0, 0), _FINE_DEVIATION))
    return View(
        dark=float(dark),
        bright=float(bright),
        contrast=float(small.std()),
        detail=float(fine.mean() / (small.mean() + _DIM)),
        edges=_edges(small),
    )


def _edges(small: NDArray[np.float32]) -> NDArray[np.float32]:
    steepness = cv2.magnitude(cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1))
    return np.asarray(steepness / (cv2.boxFilter(steepness, -1, _NEIGHBOURHOOD) + _FAINT), np.float32)

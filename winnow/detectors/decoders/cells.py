"""The grid of cells that anchor-free detectors answer for."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray


@cache
def cell_corners(width: int, height: int, strides: Sequence[int]) -> NDArray[np.float32]:
    """Return float32 (3, cells): x, y of each cell's left upper corner and its stride, in input pixels.

    Row by row, the finest stride first. An input that a stride does not divide has a last, partly empty cell.
    """
    levels = []
    for stride in strides:
        y, x = np.mgrid[0 : -(-height // stride), 0 : -(-width // stride)] * stride
        levels.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)]))
    corners: NDArray[np.float32] = np.concatenate(levels, axis=1).astype(np.float32)
    corners.flags.writeable = False
    return corners


def cell_count(width: int, height: int, strides: Sequence[int]) -> int:
    """Return the number of cells of all strides together."""
    return sum(-(-height // stride) * -(-width // stride) for stride in strides)

"""Whether a tracked thing has moved.

A box that trembles, or is half hidden and shown again, has not moved; a thing that moved took both of its opposite
sides along. So a box is compared with a reference of its own: when both sides went the same way by a share of the box's
size, or the whole box grew or shrank, the thing moved, and the new place is the reference.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.tracking.boxes import Boxes

MOVED_SHARE: Final = 0.25
"""Of the geometric mean of width and height: 12 px for a person of 30x75 px, about three times a detection's noise."""

RESIZED_FACTOR: Final = 1.35
"""Width and height both: somebody who walks straight at the camera, or away from it."""


def has_moved(reference_xyxy: Boxes, current_xyxy: Boxes) -> NDArray[np.bool_]:
    """Return, for each row, whether the thing at `reference_xyxy` has moved to get to `current_xyxy`."""
    change = current_xyxy - reference_xyxy
    corner, opposite = change[:, :2], change[:, 2:]
    shift = np.where(corner * opposite > 0, np.minimum(np.abs(corner), np.abs(opposite)), 0.0)
    before = np.maximum(reference_xyxy[:, 2:] - reference_xyxy[:, :2], 1.0)
    after = np.maximum(current_xyxy[:, 2:] - current_xyxy[:, :2], 1.0)
    factor = after / before
    resized = (factor.min(axis=1) >= RESIZED_FACTOR) | (factor.max(axis=1) <= 1 / RESIZED_FACTOR)
    shifted = np.hypot(shift[:, 0], shift[:, 1]) >= MOVED_SHARE * np.sqrt(before[:, 0] * before[:, 1])
    moved: NDArray[np.bool_] = shifted | resized
    return moved

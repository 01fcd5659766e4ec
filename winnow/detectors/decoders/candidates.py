"""Boxes before overlaps are suppressed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """Possible objects; many may be the same object.

    Attributes:
        boxes_xyxy: float32 (N, 4), pixels of the model's input.
        scores: float32 (N,), 0..1, in no order.
        class_ids: int32 (N,).
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]

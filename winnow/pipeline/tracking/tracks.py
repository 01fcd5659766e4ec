"""What a tracker answers for one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracks:
    """Every live track; row i of each array is the same track, oldest first.

    Attributes:
        keys: int64 (N,), 1, 2, 3 … in the order of first sight; never used twice by one tracker.
        boxes_xyxy: float64 (N, 4), estimate in pixels; may reach beyond the frame.
        scores: float64 (N,), of the last detection.
        class_ids: int32 (N,), the class of the best-scoring detection so far.
        seen: bool (N,), a detection of this very frame belongs to it.
        present: bool (N,), followed, or held to be where it was because nothing moved in the frame.
        followed: bool (N,), where it is in this very frame is known: it was seen, or optical flow carried it here.
        confirmed: bool (N,), enough good detections so far; stays true.
        travelled: bool (N,), has moved at least once since it was first seen; stays true.
        still: bool (N,), has not moved for a while.
    """

    keys: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float64]
    scores: NDArray[np.float64]
    class_ids: NDArray[np.int32]
    seen: NDArray[np.bool_]
    present: NDArray[np.bool_]
    followed: NDArray[np.bool_]
    confirmed: NDArray[np.bool_]
    travelled: NDArray[np.bool_]
    still: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.keys)

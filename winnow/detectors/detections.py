"""What a detector answers for one image."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """Objects found in one image; row i of each array is the same object.

    Attributes:
        boxes_xyxy: float32 (N, 4), pixels of the source image, x1 <= x2, y1 <= y2.
        scores: float32 (N,), 0..1, highest first.
        class_ids: int32 (N,), index into `ModelCard.labels`.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Self:
        """Return detections of an image in which nothing was found."""
        return cls(
            boxes_xyxy=np.empty((0, 4), np.float32),
            scores=np.empty(0, np.float32),
            class_ids=np.empty(0, np.int32),
        )

    def scoring_at_least(self, score: float) -> Self:
        """Return the objects whose score is `score` or more, order kept."""
        kept = self.scores >= score
        return type(self)(boxes_xyxy=self.boxes_xyxy[kept], scores=self.scores[kept], class_ids=self.class_ids[kept])

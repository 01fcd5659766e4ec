"""What a tracker remembers of its tracks, one array a fact."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.tracking.boxes import Boxes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrackTable:
    """Row i of each array is the same track, oldest first; the tracker that owns the table writes into its arrays.

    Times are nanoseconds of stream time: as integers they compare exactly, however long the stream runs.

    Attributes:
        keys: int64 (N,), 1, 2, 3 …
        hits: int64 (N,), detections so far.
        strong_ns: int64 (N,), when a strong detection last belonged to it.
        present_ns: int64 (N,), when it was last known to be there: detected, or held by a still picture.
        moved_ns: int64 (N,), when it last moved, or began.
        away_hits: int64 (N,), detections in a row away from `reference_xyxy`.
        reference_xyxy: float64 (N, 4), where it was when it last moved, or began.
        last_scores: float64 (N, scores kept), a ring written in the order of the hits; NaN where nothing is yet.
        scores: float64 (N,), of the last detection.
        top_scores: float64 (N,), best so far.
        class_ids: int32 (N,), of the best-scoring detection so far.
        seen: bool (N,), detected when the detector last looked.
        looked_ns: int64 (N,), when the detector last looked where it was.
        unlooked: int64 (N,), frames since then.
        detected_ns: int64 (N,), when a detection last belonged to it.
        followed: bool (N,), where it is in the last frame is known: detected, or carried there by optical flow.
        confirmed: bool (N,).
        travelled: bool (N,), has moved at least once.
        pull_xyxy: float64 (N, 4), pixels from the estimate to the box that is told: towards the last detection.
    """

    keys: NDArray[np.int64]
    hits: NDArray[np.int64]
    strong_ns: NDArray[np.int64]
    present_ns: NDArray[np.int64]
    moved_ns: NDArray[np.int64]
    away_hits: NDArray[np.int64]
    reference_xyxy: Boxes
    last_scores: NDArray[np.float64]
    scores: NDArray[np.float64]
    top_scores: NDArray[np.float64]
    class_ids: NDArray[np.int32]
    seen: NDArray[np.bool_]
    looked_ns: NDArray[np.int64]
    unlooked: NDArray[np.int64]
    detected_ns: NDArray[np.int64]
    followed: NDArray[np.bool_]
    confirmed: NDArray[np.bool_]
    travelled: NDArray[np.bool_]
    pull_xyxy: Boxes

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def begun(  # noqa: PLR0913 - the columns that differ
        cls,
        *,
        first_key: int,
        at_ns: int,
        boxes_xyxy: Boxes,
        scores: NDArray[np.float64],
        class_ids: NDArray[np.int32],
        scores_kept: int,
    ) -> Self:
        """Return rows of tracks that begin with one detection each."""
        count = len(scores)
        last_scores = np.full((count, scores_kept), np.nan)
        last_scores[:, 0] = scores
        return cls(
            keys=np.arange(first_key, first_key + count, dtype=np.int64),
            hits=np.ones(count, np.int64),
            strong_ns=np.full(count, at_ns, np.int64),
            present_ns=np.full(count, at_ns, np.int64),
            moved_ns=np.full(count, at_ns, np.int64),
            away_hits=np.zeros(count, np.int64),
            reference_xyxy=boxes_xyxy.copy(),
            last_scores=last_scores,
            scores=scores.copy(),
            top_scores=scores.copy(),
            class_ids=class_ids.copy(),
            seen=np.ones(count, np.bool_),
            looked_ns=np.full(count, at_ns, np.int64),
            unlooked=np.zeros(count, np.int64),
            detected_ns=np.full(count, at_ns, np.int64),
            followed=np.ones(count, np.bool_),
            confirmed=np.zeros(count, np.bool_),
            travelled=np.zeros(count, np.bool_),
            pull_xyxy=np.zeros((count, 4)),
        )

    def rows(self, chosen: NDArray[np.bool_]) -> Self:
        """Return the chosen rows."""
        return type(self)(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def followed_by(self, other: Self) -> Self:
        """Return these rows, then the other's."""
        return type(self)(
            **{
                field.name: np.concatenate((getattr(self, field.name), getattr(other, field.name)))
                for field in fields(self)
            }
        )

    def median_scores(self, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the median of the scores kept of the chosen rows."""
        ordered = np.sort(self.last_scores[chosen], axis=1)
        known = np.minimum(self.hits[chosen], ordered.shape[1])
        row = np.arange(len(chosen))
        medians: NDArray[np.float64] = (ordered[row, (known - 1) // 2] + ordered[row, known // 2]) / 2
        return medians

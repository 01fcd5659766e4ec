"""Follows the objects of one camera from frame to frame.

After Zhang et al., ByteTrack, ECCV 2022: weak detections extend tracks and never begin one. Stream time decides, so any
frame rate will do, and frames that the detector skipped are time that passed, not detections that failed.

    begun  ── enough good detections ──▶ confirmed
      │                                     │
      └── TRYOUT_S without a detection      └── lost_after_s without a detection: forgotten

A track that has not moved for STILL_AFTER_S and was found at the last look is taken to be where it was for as long as
nobody looks: nothing moved in the picture, so it cannot have left.
"""

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections
from winnow.pipeline.detection import Look
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking.association import best_pairs, distinct, similarities
from winnow.pipeline.tracking.boxes import Boxes, apart, most_covered, to_centres, to_corners
from winnow.pipeline.tracking.cadence import is_explained, wanting
from winnow.pipeline.tracking.flow import Flow
from winnow.pipeline.tracking.kalman import BoxStates, carried, corrected, predicted
from winnow.pipeline.tracking.movement import has_moved
from winnow.pipeline.tracking.table import TrackTable
from winnow.pipeline.tracking.tracks import Tracks

LOW_SCORE: Final = 0.15
"""Detections below it are not looked at: 0.1 in ByteTrack, section 3; a small model's boxes below 0.15 are noise."""

MATCH_STRONG: Final = 0.25
"""Least overlap, boxes grown by `ROOM`, of a track and a strong detection."""

MATCH_WEAK: Final = 0.4
"""Least overlap, boxes grown likewise, of a track and a weak detection; weak boxes are often only parts of things."""

TOLD_PULL: Final = 0.5
"""The box that is told lies this far on the way from the estimate to the frame's strong detection. The estimate is
stiff so that it keeps people apart who meet; where the detector is sure, it knows better where they end."""

WEAK_FOR_S: Final = 0.5
"""How long weak detections alone extend a track: enough to pass behind a lamp post, too short to settle on a sign."""

ROOM: Final = 0.25
"""Share of its size by which a box is grown on each side before boxes are compared."""

TRYOUT_S: Final = 0.6
"""A track that is not yet confirmed is forgotten this long after its last detection."""

BORN_APART: Final = 0.35
"""A strong detection that overlaps a track of its frame more than this begins no second track: detectors often find a
pair of people as a third one between them."""

SCORES_KEPT: Final = 8
"""How many of its last scores decide whether a track is confirmed; more if `start_hits` asks for more."""

FOLLOW_FOR_S: Final = 1.0
"""How long optical flow alone carries a track."""

CLEAR_ROOM: Final = 0.3
"""Boxes grown by this share of their size must not touch, or the flow in one may be that of somebody else: then a
detection says more."""

OPEN_COVERED: Final = 0.4
"""Without a detection, flow is believed until another box covers this share of a box."""

FLOW_NOISE: Final = 0.08
"""Standard deviation of a shift by optical flow from one frame to the next, as a share of the box's size. It is about
three times what is measured on people who are apart: believing flow more mixes people up who are not."""

STILL_AFTER_S: Final = 5
MOVED_HITS: Final = 2
"""Detections in a row away from the reference box before a track is said to have moved: one may be a slip."""

_NS: Final = 1_000_000_000
_NOWHERE: Final = np.empty((0, 4))


class Tracker:
    """The tracks of one camera within one stream epoch.

    Attributes:
        flow_steps: how often optical flow told where a track went from one frame to the next, so far.
    """

    def __init__(self, settings: TrackingSettings) -> None:
        self.flow_steps = 0
        self._settings = settings
        self._lost_after_ns = round(settings.lost_after_s * _NS)
        self._scores_kept = max(SCORES_KEPT, settings.start_hits)
        self._next_key = 1
        self._states = BoxStates.first(np.empty((0, 4)))
        self._table = self._begun(0, np.empty((0, 4)), np.empty(0), np.empty(0, np.int32))
        self._predicted_ns: int | None = None
        self._flow = Flow()
        self._carried = np.empty(0, np.bool_)
        self._looked_at_motion = _NOWHERE

    def update(
        self, look: Look, at_s: Fraction, luma: NDArray[np.uint8] | None = None, moving_xyxy: Boxes = _NOWHERE
    ) -> Tracks:
        """Return the live tracks in a frame that the detector looked at.

        A track outside the look's windows was not missed: nobody looked. It goes on as in `coast`.

        Args:
            look: where the detector looked, and what it found there, pixels of the frame.
            at_s: stream time of the frame, not before that of the last call.
            luma: brightness of the frame (height, width); without it boxes are all there is to go by.
            moving_xyxy: where something moves in it, (M, 4), pixels.
        """
        at_ns = self._advance(at_s, luma, is_looked_at=True)
        before, overlooked = self._table.seen.copy(), ~look.covers(to_corners(self._states.position))
        self._note_look(~overlooked, at_ns)
        held = overlooked & self._held(at_ns)
        self._table.present_ns[held] = at_ns
        boxes, scores, class_ids = _worth_tracking(look.detections)
        row_of = self._match(boxes, scores, class_ids, at_ns)
        self._extend(row_of, boxes, scores, class_ids, at_ns)
        found = self._table.seen.copy()
        self._table.seen[:] = found | (overlooked & before)
        begun = np.ones(self._begin(row_of, boxes, scores, class_ids, at_ns), np.bool_)
        if len(begun):
            found, held = np.concatenate((found, begun)), np.concatenate((held, begun))
        present = held | self._table.followed
        kept = self._forget_lost(at_ns)
        tracks = self._tracks(at_ns, present[kept])
        tracks.seen[:] = found[kept]
        self._remember(luma, at_ns)
        self._looked_at_motion = moving_xyxy
        return tracks

    def coast(self, at_s: Fraction, luma: NDArray[np.uint8] | None = None) -> Tracks:
        """Return the live tracks in a frame that the detector did not look at, because it need not; see `update`."""
        at_ns = self._advance(at_s, luma, is_looked_at=False)
        self._note_look(np.zeros(len(self._table), np.bool_), at_ns)
        known = self._held(at_ns) | self._table.followed
        self._table.present_ns[known] = at_ns
        self._forget_lost(at_ns)
        tracks = self._tracks(at_ns, self._held(at_ns) | self._table.followed)
        tracks.seen[:] = False
        self._remember(luma, at_ns)
        return tracks

    def needs_detection(self, at_s: Fraction, moving_xyxy: Boxes = _NOWHERE) -> bool:
        """Return whether the detector must look at a frame: motion is new in it, or a track wants a look.

        Args:
            at_s: stream time of the frame.
            moving_xyxy: where something moves in it, (M, 4), pixels.
        """
        at_ns = round(at_s * _NS)
        expected = self._expected(at_ns)
        known = np.concatenate((expected, self._looked_at_motion))
        is_new = not is_explained(moving_xyxy, known).all()
        return is_new or bool(self._wants_look(expected, moving_xyxy, at_ns).any())

    def where_to_look(self, at_s: Fraction, moving_xyxy: Boxes = _NOWHERE) -> Boxes:
        """Return where the tracks are expected that want a look, (N, 4), pixels."""
        at_ns = round(at_s * _NS)
        expected = self._expected(at_ns)
        return expected[self._wants_look(expected, moving_xyxy, at_ns)]

    @property
    def tracks_open(self) -> int:
        """Return how many tracks there are, those included that are no object yet."""
        return len(self._table)

    @property
    def tracks_begun(self) -> int:
        """Return how many tracks there were so far."""
        return self._next_key - 1

    def _wants_look(self, expected: Boxes, moving_xyxy: Boxes, at_ns: int) -> NDArray[np.bool_]:
        return wanting(
            self._table,
            held=self._held(at_ns),
            carried=self._carried,
            clear=self._is_clear() | ~self._table.seen,
            boxes_xyxy=expected,
            moving_xyxy=moving_xyxy,
            at_ns=at_ns,
        )

    def _expected(self, at_ns: int) -> Boxes:
        elapsed_ns = 0 if self._predicted_ns is None else max(at_ns - self._predicted_ns, 0)
        return to_corners(predicted(self._states, elapsed_ns / _NS, self._table.seen).position)

    def _note_look(self, looked: NDArray[np.bool_], at_ns: int) -> None:
        self._table.looked_ns[looked] = at_ns
        self._table.unlooked[:] = np.where(looked, 0, self._table.unlooked + 1)

    def _advance(self, at_s: Fraction, luma: NDArray[np.uint8] | None, *, is_looked_at: bool) -> int:
        """Take all tracks to where they are expected, or were seen to go, by now."""
        at_ns = round(at_s * _NS)
        elapsed_ns = 0 if self._predicted_ns is None else max(at_ns - self._predicted_ns, 0)
        self._predicted_ns = at_ns
        table = self._table
        if not (elapsed_ns and len(table)):
            return at_ns
        elapsed_s, before = elapsed_ns / _NS, self._states.position[:, :2]
        self._states = predicted(self._states, elapsed_s, table.seen)
        table.followed[:] &= at_ns - table.detected_ns <= FOLLOW_FOR_S * _NS
        table.followed[:] &= self._carried
        rows = np.flatnonzero(self._carried)
        if luma is None or not len(rows):
            table.followed[:] = False
            return at_ns
        table.followed[:] &= self._is_clear() if is_looked_at else self._is_open()
        shifts = self._flow.measure(luma, self._states.position[rows, :2] - before[rows], table.followed[rows])
        table.followed[rows] &= shifts.known
        is_known = table.followed[rows]
        rows = rows[is_known]
        self.flow_steps += len(rows)
        moved = carried(self._states.rows(rows), elapsed_s, shifts.pixels[is_known], FLOW_NOISE)
        self._states = self._states.with_rows(rows, moved)
        return at_ns

    def _is_clear(self) -> NDArray[np.bool_]:
        """Return which tracks nobody else is near to, so that all pixels in their boxes are their own."""
        there = np.flatnonzero(self._table.seen | self._table.confirmed)
        clear = np.zeros(len(self._table), np.bool_)
        clear[there] = apart(to_corners(self._states.position[there]), CLEAR_ROOM)
        return clear

    def _is_open(self) -> NDArray[np.bool_]:
        """Return which tracks are hidden by no other for the most part, so that most pixels are their own."""
        boxes = to_corners(self._states.position)
        return most_covered(boxes, self._table.seen | self._table.confirmed) <= OPEN_COVERED

    def _remember(self, luma: NDArray[np.uint8] | None, at_ns: int) -> None:
        """Keep of a frame what carries tracks into the next one, and note which tracks it will."""
        self._carried = np.zeros(len(self._table), np.bool_)
        if luma is not None:
            self._carried = self._table.followed & ~self._still(at_ns) & self._is_open()
            self._flow.remember(luma, to_corners(self._states.position[self._carried]))

    def _match(
        self, boxes: Boxes, scores: NDArray[np.float64], class_ids: NDArray[np.int32], at_ns: int
    ) -> NDArray[np.intp]:
        """Return the row of each detection's track, -1 where it has none."""
        row_of = np.full(len(boxes), -1, np.intp)
        table = self._table
        if not len(table) or not len(boxes):
            return row_of
        similarity = similarities(to_corners(self._states.position), table.class_ids, boxes, class_ids, room=ROOM)
        strong = scores >= self._settings.min_score
        _pair_up(row_of, similarity, table.confirmed, strong, MATCH_STRONG)
        if (row_of >= 0).all():
            return row_of
        lately_strong = at_ns - table.strong_ns <= WEAK_FOR_S * _NS
        _pair_up(row_of, similarity, table.confirmed & table.seen & lately_strong, ~strong, MATCH_WEAK)
        _pair_up(row_of, similarity, ~table.confirmed, strong, MATCH_STRONG)
        return row_of

    def _extend(
        self,
        row_of: NDArray[np.intp],
        boxes: Boxes,
        scores: NDArray[np.float64],
        class_ids: NDArray[np.int32],
        at_ns: int,
    ) -> None:
        table = self._table
        table.seen[:] = False
        matched = (row_of >= 0).nonzero()[0]
        rows = row_of[matched]
        if not len(rows):
            return
        self._states = self._states.with_rows(rows, corrected(self._states.rows(rows), to_centres(boxes[matched])))
        strong = scores[matched] >= self._settings.min_score
        estimates = to_corners(self._states.position[rows])
        table.pull_xyxy[rows] = (TOLD_PULL * strong)[:, None] * (boxes[matched] - estimates)
        table.seen[rows] = True
        table.present_ns[rows] = table.detected_ns[rows] = at_ns
        table.followed[rows] = True
        table.strong_ns[rows[strong]] = at_ns
        table.last_scores[rows, table.hits[rows] % self._scores_kept] = scores[matched]
        table.hits[rows] += 1
        table.scores[rows] = scores[matched]
        better = scores[matched] > table.top_scores[rows]
        if better.any():
            table.top_scores[rows[better]] = scores[matched][better]
            table.class_ids[rows[better]] = class_ids[matched][better]
        self._confirm(rows)
        self._note_movement(rows, estimates, at_ns)

    def _confirm(self, rows: NDArray[np.intp]) -> None:
        table = self._table
        is_new = ~table.confirmed[rows]
        if not is_new.any():
            return
        candidates = rows[is_new & (table.hits[rows] >= self._settings.start_hits)]
        if len(candidates):
            table.confirmed[candidates] = table.median_scores(candidates) >= self._settings.start_score

    def _note_movement(self, rows: NDArray[np.intp], current: Boxes, at_ns: int) -> None:
        table = self._table
        away = has_moved(table.reference_xyxy[rows], current)
        table.away_hits[rows] = np.where(away, table.away_hits[rows] + 1, 0)
        is_moved = table.away_hits[rows] >= MOVED_HITS
        if not is_moved.any():
            return
        moved = rows[is_moved]
        table.reference_xyxy[moved] = current[is_moved]
        table.moved_ns[moved] = at_ns
        table.away_hits[moved] = 0
        table.travelled[moved] = True

    def _begin(
        self,
        row_of: NDArray[np.intp],
        boxes: Boxes,
        scores: NDArray[np.float64],
        class_ids: NDArray[np.int32],
        at_ns: int,
    ) -> int:
        new = ((row_of < 0) & (scores >= self._settings.min_score)).nonzero()[0]
        if not len(new):
            return 0
        seen = self._table.seen
        present = to_corners(self._states.position[seen])
        shared = similarities(present, self._table.class_ids[seen], boxes[new], class_ids[new], room=0.0)
        new = new[~(shared > BORN_APART).any(axis=0)]
        self._states = self._states.followed_by(BoxStates.first(to_centres(boxes[new])))
        self._table = self._table.followed_by(self._begun(at_ns, boxes[new], scores[new], class_ids[new]))
        self._next_key += len(new)
        return len(new)

    def _begun(self, at_ns: int, boxes: Boxes, scores: NDArray[np.float64], class_ids: NDArray[np.int32]) -> TrackTable:
        return TrackTable.begun(
            first_key=self._next_key,
            at_ns=at_ns,
            boxes_xyxy=boxes,
            scores=scores,
            class_ids=class_ids,
            scores_kept=self._scores_kept,
        )

    def _held(self, at_ns: int) -> NDArray[np.bool_]:
        held: NDArray[np.bool_] = self._table.seen & self._still(at_ns)
        return held

    def _still(self, at_ns: int) -> NDArray[np.bool_]:
        still: NDArray[np.bool_] = at_ns - self._table.moved_ns >= STILL_AFTER_S * _NS
        return still

    def _forget_lost(self, at_ns: int) -> NDArray[np.bool_]:
        patience_ns = np.where(
            self._table.confirmed, self._lost_after_ns, min(round(TRYOUT_S * _NS), self._lost_after_ns)
        )
        kept: NDArray[np.bool_] = at_ns - self._table.present_ns < patience_ns
        if not kept.all():
            self._table = self._table.rows(kept)
            self._states = self._states.rows(kept)
        return kept

    def _tracks(self, at_ns: int, present: NDArray[np.bool_]) -> Tracks:
        table = self._table
        return Tracks(
            keys=table.keys,
            boxes_xyxy=to_corners(self._states.position) + table.pull_xyxy,
            scores=table.scores.copy(),
            class_ids=table.class_ids.copy(),
            seen=table.seen.copy(),
            present=present.copy(),
            followed=table.followed.copy(),
            confirmed=table.confirmed.copy(),
            travelled=table.travelled.copy(),
            still=self._still(at_ns),
        )


def _pair_up(
    row_of: NDArray[np.intp],
    similarity: NDArray[np.float64],
    tracks: NDArray[np.bool_],
    detections: NDArray[np.bool_],
    at_least: float,
) -> None:
    """Note in `row_of` which of these detections belong to which of these tracks; those taken before stay so."""
    columns = (detections & (row_of < 0)).nonzero()[0]
    free = tracks.copy()
    free[row_of[row_of >= 0]] = False
    rows = free.nonzero()[0]
    if len(rows) and len(columns):
        chosen_rows, chosen_columns = best_pairs(similarity[rows[:, None], columns], at_least)
        row_of[columns[chosen_columns]] = rows[chosen_rows]


def _worth_tracking(detections: Detections) -> tuple[Boxes, NDArray[np.float64], NDArray[np.int32]]:
    """Return boxes, scores and classes of the detections that are not too weak and not named twice."""
    worthy = detections.scoring_at_least(LOW_SCORE)
    boxes = worthy.boxes_xyxy.astype(np.float64)
    scores, kept = worthy.scores.astype(np.float64), distinct(boxes, worthy.class_ids)
    return (boxes, scores, worthy.class_ids) if kept.all() else (boxes[kept], scores[kept], worthy.class_ids[kept])

"""The life of objects: which tracks start one, when it changes, when it ends.

A track is a candidate until it is confirmed *and* has moved: a sign taken for a person, or a car that was parked before
anyone looked, is followed but never reported. Whoever drives in and parks is one object from arrival to departure.

    state       is seen moving    rests            its track is gone
    candidate   moving, started   still, started   ended, silently
    moving      -                 still            ended
    still       moving            -                ended

Moving, still and the zones are reported as updates, at most one in `update_every_s`: what changes back in that time was
no real change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final, Literal

from winnow.pipeline.objects.tracked import PixelBox, State, TrackedObject
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracks

Change = Literal["moving", "stationary", "zones"]


class _Sign(Enum):
    """What a track shows of its object in one frame."""

    MOVES = "moves"
    RESTS = "rests"
    GONE = "gone"


_NEXT: Final[dict[tuple[State, _Sign], State]] = {
    (State.CANDIDATE, _Sign.MOVES): State.MOVING,
    (State.CANDIDATE, _Sign.RESTS): State.STILL,
    (State.CANDIDATE, _Sign.GONE): State.ENDED,
    (State.MOVING, _Sign.RESTS): State.STILL,
    (State.MOVING, _Sign.GONE): State.ENDED,
    (State.STILL, _Sign.MOVES): State.MOVING,
    (State.STILL, _Sign.GONE): State.ENDED,
}
"""Signs that are not listed change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a frame did to the objects; each in the order in which they were first seen.

    Attributes:
        started: became objects in this frame.
        ended: their tracks are gone; only those that had started.
    """

    started: list[TrackedObject]
    ended: list[TrackedObject]


class Objects:
    """The objects of one camera within one stream epoch."""

    def __init__(self, settings: TrackingSettings, *, labels: Sequence[str], frame_size: tuple[int, int]) -> None:
        self._update_every_s = Fraction(settings.update_every_s)
        self._labels = tuple(labels)
        self._frame_size = frame_size
        self._known: dict[int, TrackedObject] = {}
        self._started = 0

    @property
    def open(self) -> list[TrackedObject]:
        """The objects that have started and not ended, in the order in which they were first seen."""
        return [known for known in self._known.values() if known.has_started]

    def follow(self, tracks: Tracks, at_s: Fraction) -> Turn:
        """Return who started and who ended, now that the tracks are these."""
        live = set(tracks.keys.tolist())
        ended = [self._end(key) for key in list(self._known) if key not in live]
        started = [
            known for row, key in enumerate(tracks.keys.tolist()) if (known := self._see(key, row, tracks, at_s))
        ]
        return Turn(started=started, ended=[known for known in ended if known.has_started])

    def change_of(self, known: TrackedObject, at_s: Fraction) -> Change | None:
        """Return what an update must say about the object now, None if nothing or not yet; it counts as said."""
        is_moving = known.state is State.MOVING
        if at_s - known.reported_s < self._update_every_s:
            return None
        if known.zones_now != known.reported_zones:
            change: Change = "zones"
        elif is_moving != known.reported_moving:
            change = "moving" if is_moving else "stationary"
        else:
            return None
        known.reported_s, known.reported_moving, known.reported_zones = at_s, is_moving, known.zones_now
        return change

    def end_all(self) -> list[TrackedObject]:
        """Return every open object, ended; nothing is known any more."""
        ended = [self._end(key) for key in list(self._known)]
        return [known for known in ended if known.has_started]

    def _see(self, key: int, row: int, tracks: Tracks, at_s: Fraction) -> TrackedObject | None:
        """Return the object if it started in this frame."""
        score = float(tracks.scores[row])
        box = self._clipped(tracks.boxes_xyxy[row].tolist())
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = TrackedObject(
                label="",
                first_seen_s=at_s,
                last_seen_s=at_s,
                box=box,
                frame_size=self._frame_size,
                score=score,
                top_score=score,
            )
        if not known.has_started:
            known.label = self._labels[int(tracks.class_ids[row])]
        known.is_seen, known.is_present = bool(tracks.seen[row]), bool(tracks.present[row])
        if tracks.followed[row]:
            known.note_sighting(at_s, box, score)
        return self._step(known, _sign(row, tracks), at_s)

    def _step(self, known: TrackedObject, sign: _Sign | None, at_s: Fraction) -> TrackedObject | None:
        if sign is None:
            return None
        before, known.state = known.state, _NEXT.get((known.state, sign), known.state)
        if before is not State.CANDIDATE or known.state is State.CANDIDATE:
            return None
        self._started += 1
        known.number = self._started
        known.reported_s = at_s
        return known

    def _end(self, key: int) -> TrackedObject:
        known = self._known.pop(key)
        known.state = _NEXT[known.state, _Sign.GONE]
        return known

    def _clipped(self, box_xyxy: list[float]) -> PixelBox:
        width, height = self._frame_size
        x1, y1, x2, y2 = box_xyxy
        return (
            min(max(x1, 0.0), float(width)),
            min(max(y1, 0.0), float(height)),
            min(max(x2, 0.0), float(width)),
            min(max(y2, 0.0), float(height)),
        )


def _sign(row: int, tracks: Tracks) -> _Sign | None:
    """Return what the track shows; a candidate's only sign is that it was confirmed and has travelled.

    A track that is not followed shows nothing: its last box stays where it was, and whoever has left does not stand
    still.
    """
    if not (tracks.followed[row] and tracks.confirmed[row] and tracks.travelled[row]):
        return None
    return _Sign.RESTS if tracks.still[row] else _Sign.MOVES

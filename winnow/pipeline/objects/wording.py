"""What events say about an object: rounded, so that the last bits of a processor's arithmetic never show."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final, Literal, TypedDict

from winnow.events.data import (
    Clock,
    LineCrossed,
    ModelRef,
    ObjectEnded,
    ObjectStarted,
    ObjectUpdated,
    PathPoint,
    SequenceCompleted,
    ZoneDwelled,
    ZoneEntered,
    ZoneExited,
    ZoneOccupancy,
)
from winnow.pipeline.objects.lifecycle import Change
from winnow.pipeline.objects.tracked import State, TrackedObject
from winnow.pipeline.rules import Completed, Crossed, Dwelled, Entered, Exited, Occupied, RuleOutcome

SHARE_DIGITS: Final = 4
"""Of boxes, points and scores: 0.2 pixels of a 1920 pixel frame."""

SECONDS_DIGITS: Final = 3


class _About(TypedDict):
    label: str
    track: int
    score: float
    box: tuple[float, float, float, float]
    frame: tuple[int, int]
    model: ModelRef
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """Puts what happened to an object into the contract's words.

    Attributes:
        model: that finds the objects.
        clock: what stream time rests on.
        moment: stream time → aware UTC wall time.
    """

    model: ModelRef
    clock: Clock
    moment: Callable[[Fraction], datetime]

    def started(self, known: TrackedObject) -> ObjectStarted:
        """Return that the object started."""
        return ObjectStarted(**self._about(known), first_seen=self.moment(known.first_seen_s))

    def updated(self, known: TrackedObject, change: Change, revision: int) -> ObjectUpdated:
        """Return what changed; `revision` is 1 for the object's first update."""
        return ObjectUpdated(
            **self._about(known),
            revision=revision,
            change=change,
            moving=known.state is State.MOVING,
            zones=list(known.zones_now),
        )

    def ended(
        self,
        known: TrackedObject,
        reason: Literal["lost", "stream", "stopped"],
        *,
        picture: Literal["object.started", "object.ended"] | None,
    ) -> ObjectEnded:
        """Return the object's whole life; `picture` tells with which of its events its last picture is sent."""
        path = [
            PathPoint(
                after_s=_seconds(point.at_s - known.first_seen_s),
                x=round(point.x, SHARE_DIGITS),
                y=round(point.y, SHARE_DIGITS),
            )
            for point in known.path.summary()
        ]
        return ObjectEnded(
            **self._about(known),
            first_seen=self.moment(known.first_seen_s),
            last_seen=self.moment(known.last_seen_s),
            dwell_s=_seconds(known.last_seen_s - known.first_seen_s),
            top_score=round(known.top_score, SHARE_DIGITS),
            path=path,
            zones=list(known.zones),
            reason=reason,
            picture=picture,
        )

    def ruled(
        self, known: TrackedObject, outcome: RuleOutcome
    ) -> LineCrossed | ZoneEntered | ZoneDwelled | ZoneExited | SequenceCompleted:
        """Return what a rule has to say about the object."""
        about = self._about(known)
        match outcome:
            case Crossed():
                return LineCrossed(**about, line=outcome.line, direction=outcome.direction)
            case Entered():
                return ZoneEntered(**about, zone=outcome.zone)
            case Dwelled():
                return ZoneDwelled(**about, zone=outcome.zone, dwell_s=_seconds(outcome.dwell_s))
            case Exited():
                return ZoneExited(**about, zone=outcome.zone, dwell_s=_seconds(outcome.dwell_s))
            case Completed():
                duration_s = _seconds(outcome.duration_s)
                return SequenceCompleted(
                    **about, name=outcome.sequence, zones=list(outcome.zones), duration_s=duration_s
                )

    def occupied(self, outcome: Occupied) -> ZoneOccupancy:
        """Return what a zone has to say about how many are in it."""
        return ZoneOccupancy(
            zone=outcome.zone,
            count=outcome.count,
            threshold=outcome.threshold,
            state=outcome.state,
            clock=self.clock,
        )

    def _about(self, known: TrackedObject) -> _About:
        return _About(
            label=known.label,
            track=known.number,
            score=round(known.score, SHARE_DIGITS),
            box=_normalised(known),
            frame=known.frame_size,
            model=self.model,
            clock=self.clock,
        )


def _normalised(known: TrackedObject) -> tuple[float, float, float, float]:
    width, height = known.frame_size
    x1, y1, x2, y2 = known.box
    return (
        round(x1 / width, SHARE_DIGITS),
        round(y1 / height, SHARE_DIGITS),
        round((x2 - x1) / width, SHARE_DIGITS),
        round((y2 - y1) / height, SHARE_DIGITS),
    )


def _seconds(duration_s: Fraction) -> float:
    return round(float(duration_s), SECONDS_DIGITS)

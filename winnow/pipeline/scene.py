"""One camera's decisions: detections in, happenings and redacted pictures out."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections
from winnow.events import EventData
from winnow.events.data import KIND_OF, Clock, ModelRef
from winnow.pipeline.detection import Look
from winnow.pipeline.objects import Objects, TrackedObject
from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.objects.wording import Wording
from winnow.pipeline.rules import Entered, RuleOutcome, Rules
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.tally import TrackTally
from winnow.pipeline.thumbnails import Album, Restraint, Shot
from winnow.pipeline.thumbnails.redaction import PartBgr
from winnow.pipeline.tracking import Tracker, Tracks
from winnow.pipeline.tracking.boxes import grown

SURROUNDINGS: Final = 0.15
"""A picture is taken only where the detector looked this share of the object's size further than the picture shows on
each side, or up to the frame's border: the head of somebody beside the object must be found too."""

NOWHERE: Final = np.empty((0, 4))
"""No boxes."""

PERSON: Final = "person"
"""The label whose heads are redacted, in every label set that the project's models use."""


NOBODY: Final = 0
"""Stands for the number of an object where a happening is about none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened in the scene.

    Attributes:
        at_s: stream time at which it happened. It may be known only seconds later, see `rules.outcomes`, so it may be
            less than that of a happening that was told before.
        subject: `{label}/{track}`; None where it is about no single object.
        revision: how many happenings of the same kind about the same subject came before.
        data: what happened.
    """

    at_s: Fraction
    subject: str | None
    revision: int
    data: EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The best picture of an object so far, redacted.

    Attributes:
        at_s: stream time at which it was taken.
        subject: `{label}/{track}`.
        belongs_to: kind of the happening (revision 0) about the same subject that it illustrates.
        jpeg: the image.
    """

    at_s: Fraction
    subject: str
    belongs_to: Literal["object.started", "object.ended"]
    jpeg: bytes


class Scene:
    """What is known of one camera's scene within one stream epoch. A jump in time or a new frame size needs a new one.

    A camera's loop asks `needs_detection` for every sampled frame, then calls `observe` with
    what the detector found or `coast` where it was not asked; times never decrease.
    """

    def __init__(  # noqa: PLR0913 - what a camera's events say
        self,
        settings: CameraSettings,
        *,
        labels: Sequence[str],
        model: ModelRef,
        frame_size: tuple[int, int],
        clock: Clock,
        moment: Callable[[Fraction], datetime],
        restraint: Restraint | None = None,
    ) -> None:
        """Start without objects.

        Args:
            settings: the camera's.
            labels: the model's, by class id.
            model: named in every event.
            frame_size: width and height in pixels of the frames that the boxes of the detections refer to.
            clock: what stream time rests on.
            moment: stream time → aware UTC wall time.
            restraint: may hold pictures back; None never does.
        """
        self._labels = tuple(labels)
        self._wanted = np.array([not settings.labels or label in settings.labels for label in labels], np.bool_)
        self._is_person = np.array([label == PERSON for label in labels], np.bool_)
        self._tracker = Tracker(settings.tracking)
        self._objects = Objects(settings.tracking, labels=labels, frame_size=frame_size)
        self._rules = Rules(settings, frame_size=frame_size, moment=moment)
        self._album = Album(
            settings.thumbnails,
            frame_size=frame_size,
            look_every_s=1 / Fraction(settings.analysed_fps),
            restraint=restraint,
        )
        self._wording = Wording(model=model, clock=clock, moment=moment)
        self._told: dict[int, Counter[str]] = {}
        self._around: NDArray[np.float64] = np.empty((0, 4))
        self._room = settings.thumbnails.margin + SURROUNDINGS

    def needs_detection(self, at_s: Fraction, moving_xyxy: NDArray[np.float64] = NOWHERE) -> bool:
        """Return whether the detector must look at this frame: something new moves, or an object cannot be followed.

        Args:
            at_s: stream time of the frame.
            moving_xyxy: where something moves in it, (M, 4), x1 y1 x2 y2 in pixels.
        """
        return self._tracker.needs_detection(at_s, moving_xyxy)

    def note_tracks(self, tally: TrackTally) -> TrackTally:
        """Return how many tracks there were and are, and how often flow carried one; `tally` is of scenes before."""
        return TrackTally(
            open=self._tracker.tracks_open,
            begun=tally.begun + self._tracker.tracks_begun,
            flow_steps=tally.flow_steps + self._tracker.flow_steps,
        )

    def where_to_look(self, at_s: Fraction, moving_xyxy: NDArray[np.float64] = NOWHERE) -> NDArray[np.float64]:
        """Return where the objects are expected that the detector must look at, (N, 4), x1 y1 x2 y2 in pixels."""
        return self._tracker.where_to_look(at_s, moving_xyxy)

    def observe(
        self,
        at_s: Fraction,
        look: Look,
        bgr: PartBgr,
        *,
        luma: NDArray[np.uint8] | None = None,
        moving_xyxy: NDArray[np.float64] = NOWHERE,
    ) -> list[Happening | Picture]:
        """Return what happened up to a frame that the detector looked at.

        Args:
            at_s: stream time of the frame.
            look: where it looked, and all that it found there, weak ones and labels that nobody asked for included.
            bgr: returns the pixels of a part of the frame; called only if they are needed.
            luma: its brightness (height, width); without it, objects are not followed between two looks.
            moving_xyxy: where something moves in it, (M, 4), x1 y1 x2 y2 in pixels.
        """
        tracks = self._tracker.update(_chosen(look, self._wanted), at_s, luma, moving_xyxy)
        happened = list(self._turn(tracks, at_s))
        people = self._people(look, tracks)
        for known in self._objects.open:
            if known.is_seen and _is_surely_seen(known.box, self._room, look):
                self._album.offer(known.number, at_s=at_s, box=known.box, score=known.score, bgr=bgr, people=people)
        return [*happened, *self._early_pictures(at_s)]

    def coast(self, at_s: Fraction, luma: NDArray[np.uint8] | None = None) -> list[Happening | Picture]:
        """Return what happened up to a frame that the detector did not look at because it need not; see `observe`."""
        happened = list(self._turn(self._tracker.coast(at_s, luma), at_s))
        return [*happened, *self._early_pictures(at_s)]

    def note_clock(self, clock: Clock) -> None:
        """Say from now on that stream time rests on this."""
        self._wording = replace(self._wording, clock=clock)

    def change(self, settings: CameraSettings, at_s: Fraction) -> list[Happening | Picture]:
        """Look in another way from now on and return the exits from zones that are no more; objects stay open.

        Labels and tracking must be the same: with other ones a scene begins anew.
        """
        tracks = {known.number: known for known in self._objects.open}
        self._rules, exits, emptied = self._rules.changed(settings, at_s)
        self._album.change(settings.thumbnails)
        self._room = settings.thumbnails.margin + SURROUNDINGS
        left = [told for number, outcome in exits for told in self._said(tracks[number], [outcome])]
        for known in tracks.values():
            known.note_zones(self._rules.zones_of(known.number))
        return [*left, *(self._happening(None, one.at_s, self._wording.occupied(one)) for one in emptied)]

    @property
    def open_subjects(self) -> list[str]:
        """Return the subjects of the objects that have started and not ended."""
        return [known.subject for known in self._objects.open]

    def people_in(self, look: Look) -> list[PixelBox]:
        """Return where people are in a frame that the detector looked at, or were when they were last seen."""
        detected = np.concatenate((self._boxes_of_people(look.detections), self._boxes_of_people(look.cut)))
        followed = [known.box for known in self._objects.open if known.label == PERSON]
        return [*(_as_box(box) for box in detected.tolist()), *followed]

    def finish(self, at_s: Fraction, reason: Literal["stream", "stopped"]) -> list[Happening | Picture]:
        """Return what happened up to the end; every open object has ended."""
        ended = [told for known in self._objects.end_all() for told in self._ending(known, at_s, reason)]
        return [*ended, *self._counted(at_s, is_last=True)]

    def _turn(self, tracks: Tracks, at_s: Fraction) -> Iterator[Happening | Picture]:
        turn = self._objects.follow(tracks, at_s)
        for known in turn.ended:
            yield from self._ending(known, at_s, "lost")
        seen = [(known.number, known.unruled[-1]) for known in self._objects.open if known.unruled]
        self._rules.recognise(at_s, seen)
        for known in self._objects.open:
            if known in turn.started:
                self._album.open(known.number, at_s)
                yield self._happening(known, at_s, self._wording.started(known))
            yield from self._ruled(known, at_s)
            change = self._objects.change_of(known, at_s)
            if change is not None:
                revision = self._told[known.number]["object.updated"] + 1
                yield self._happening(known, at_s, self._wording.updated(known, change, revision))
        yield from self._closed(at_s)
        yield from self._counted(at_s)

    def _ruled(self, known: TrackedObject, at_s: Fraction) -> Iterator[Happening]:
        """Show an object's sightings to the rules: of one that just started, also those before it did."""
        for sighting in known.take_unruled():
            yield from self._said(known, self._rules.see(known.number, known.label, sighting))
        if known.is_present and known.last_seen_s < at_s:
            yield from self._said(known, self._rules.stay(known.number, known.label, at_s))
        known.note_zones(self._rules.zones_of(known.number))

    def _closed(self, at_s: Fraction) -> Iterator[Happening]:
        """Give the exits from zones that are no longer watched at this hour."""
        exits = self._rules.close(at_s)
        if exits:
            known_by_number = {known.number: known for known in self._objects.open}
            for number, outcome in exits:
                yield from self._said(known_by_number[number], [outcome])

    def _said(self, known: TrackedObject, outcomes: Iterable[RuleOutcome]) -> Iterator[Happening]:
        for outcome in outcomes:
            if isinstance(outcome, Entered):
                known.note_visit(outcome.zone)
            yield self._happening(known, outcome.at_s, self._wording.ruled(known, outcome))

    def _counted(self, at_s: Fraction, *, is_last: bool = False) -> Iterator[Happening]:
        for outcome in self._rules.count(at_s, is_last=is_last):
            yield self._happening(None, outcome.at_s, self._wording.occupied(outcome))

    def _ending(
        self, known: TrackedObject, at_s: Fraction, reason: Literal["lost", "stream", "stopped"]
    ) -> Iterator[Happening | Picture]:
        yield from self._said(known, self._rules.end(known.number))
        closed = self._album.close(known.number)
        yield self._happening(known, at_s, self._wording.ended(known, reason, picture=closed.belongs_to))
        yield from _pictures(known, closed.shot, "object.ended")
        del self._told[known.number]

    def _early_pictures(self, at_s: Fraction) -> Iterator[Picture]:
        for known in self._objects.open:
            yield from _pictures(known, self._album.early(known.number, at_s), "object.started")

    def _happening(self, known: TrackedObject | None, at_s: Fraction, data: EventData) -> Happening:
        told = self._told.setdefault(known.number if known else NOBODY, Counter())
        kind = KIND_OF[type(data)]
        revision = told[kind]
        told[kind] += 1
        return Happening(at_s=at_s, subject=known.subject if known else None, revision=revision, data=data)

    def _people(self, look: Look, tracks: Tracks) -> list[PixelBox]:
        """Return where people are, or may be.

        That is weak and cut detections, tracks that were missed or not looked at, and outside of the windows whoever
        was there when the detector last looked at the whole frame.
        """
        detected = self._boxes_of_people(look.detections)
        if look.is_whole_frame:
            self._around = detected
        elsewhere = self._around[~look.covers(self._around)]
        boxes = (detected, self._boxes_of_people(look.cut), self._boxes_of_people(tracks), elsewhere)
        return [_as_box(box) for box in np.concatenate(boxes).tolist()]

    def _boxes_of_people(self, things: Detections | Tracks) -> NDArray[np.float64]:
        return things.boxes_xyxy[_is_class(things.class_ids, self._is_person)].astype(np.float64)


def _chosen(look: Look, classes: NDArray[np.bool_]) -> Look:
    found = look.detections
    rows = _is_class(found.class_ids, classes)
    chosen = Detections(boxes_xyxy=found.boxes_xyxy[rows], scores=found.scores[rows], class_ids=found.class_ids[rows])
    return replace(look, detections=chosen)


def _is_surely_seen(box: PixelBox, room: float, look: Look) -> bool:
    """Return whether the detector looked all around the box, so that it knows of everybody whom a picture may show."""
    return bool(look.covers(grown(np.array([box]), room))[0])


def _is_class(class_ids: NDArray[np.int32], classes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    chosen: NDArray[np.bool_] = classes[class_ids]
    return chosen


def _as_box(xyxy: Iterable[float]) -> PixelBox:
    x1, y1, x2, y2 = xyxy
    return x1, y1, x2, y2


def _pictures(
    known: TrackedObject, shot: Shot | None, belongs_to: Literal["object.started", "object.ended"]
) -> Iterator[Picture]:
    if shot is not None:
        yield Picture(at_s=shot.at_s, subject=known.subject, belongs_to=belongs_to, jpeg=shot.jpeg)

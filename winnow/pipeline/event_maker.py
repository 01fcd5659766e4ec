"""Gives what happened its place in the world: node, camera, wall time, and an id that a replay gives again."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from typing import Final

from winnow.events import Event, EventData, Thumbnail, new_event
from winnow.events.data import KIND_OF
from winnow.events.identity import event_id
from winnow.events.thumbnail import THUMBNAIL_KIND, sha256_of
from winnow.pipeline.scene import Happening, Picture

Message = Event | Thumbnail

SCENE: Final = "scene"
"""Subject of a picture that shows no object of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMaker:
    """Makes the events of one stream.

    Attributes:
        node: the edge box.
        camera: the camera.
        stream_id: see `footage.stream_id`.
        moment: stream time → aware UTC wall time.
        earlier: by subject, the stream id under which an object started that a change of settings found open.
    """

    node: str
    camera: str
    stream_id: str
    moment: Callable[[Fraction], datetime]
    earlier: Mapping[str, str] = field(default_factory=dict)

    def continued(self, stream_id: str, open_subjects: Iterable[str]) -> "EventMaker":
        """Return the maker of the same stream under another id; what is open keeps the ids that it was given."""
        earlier = {subject: self.earlier.get(subject, self.stream_id) for subject in open_subjects}
        return replace(self, stream_id=stream_id, earlier=earlier)

    def messages(self, results: Iterable[Happening | Picture]) -> list[Message]:
        """Return an event for each happening and a thumbnail for each picture, in the same order."""
        return [self._thumbnail(one) if isinstance(one, Picture) else self._event(one) for one in results]

    def about_camera(self, at: datetime, data: EventData) -> Event:
        """Return an event about the camera itself; its moment tells it from others of its kind."""
        subject_id = event_id(self.stream_id, KIND_OF[type(data)], at.isoformat(), 0)
        return new_event(id=subject_id, node=self.node, camera=self.camera, subject=None, time=at, data=data)

    def snapshot(self, at: datetime, data: EventData, jpeg: bytes) -> list[Message]:
        """Return an event about the camera, and the picture of its whole scene that belongs to it."""
        told_id = event_id(self.stream_id, KIND_OF[type(data)], f"snapshot {at.isoformat()}", 0)
        told = new_event(id=told_id, node=self.node, camera=self.camera, subject=None, time=at, data=data)
        picture = Thumbnail(
            id=event_id(self.stream_id, THUMBNAIL_KIND, f"snapshot {at.isoformat()}", 0),
            node=self.node,
            camera=self.camera,
            subject=SCENE,
            time=at,
            event_id=told_id,
            jpeg=jpeg,
            sha256=sha256_of(jpeg),
        )
        return [told, picture]

    def _event(self, happening: Happening) -> Event:
        kind = KIND_OF[type(happening.data)]
        return new_event(
            id=event_id(self.stream_id, kind, happening.subject or "", happening.revision),
            node=self.node,
            camera=self.camera,
            subject=happening.subject,
            time=self.moment(happening.at_s),
            data=happening.data,
        )

    def _thumbnail(self, picture: Picture) -> Thumbnail:
        is_early = picture.belongs_to == "object.started"
        owner = self.earlier.get(picture.subject, self.stream_id) if is_early else self.stream_id
        return Thumbnail(
            id=event_id(self.stream_id, THUMBNAIL_KIND, f"{picture.subject} {picture.belongs_to}", 0),
            node=self.node,
            camera=self.camera,
            subject=picture.subject,
            time=self.moment(picture.at_s),
            event_id=event_id(owner, picture.belongs_to, picture.subject, 0),
            jpeg=picture.jpeg,
            sha256=sha256_of(picture.jpeg),
        )

"""What a store answers: plain values, free of any database library."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from winnow.events.data import EventData
from winnow.events.event import Event, Recorded, decode_data

UNKNOWN_STATE: Final = "unknown"
"""State of a node or camera whose events came and whose status has not come yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One event as the store holds it.

    Attributes:
        position: place in the order of arrival, from 1, growing; the store never reuses one.
        id: the event's CloudEvents id.
        node: the edge box.
        camera: None for an event of the node itself.
        kind: e.g. `line.crossed`.
        label: the object's label, None if the event is not about an object.
        subject: the CloudEvents subject.
        time: when it happened in the scene; aware, UTC.
        epoch: of the spool that accepted it.
        sequence: within the epoch.
        recorded_at: when the spool accepted it; aware, UTC.
        stored_at: when the store took it; aware, UTC.
        data_json: the event's data as it came.
        thumbnail_id: what `Store.thumbnail` wants (the image's sha256), None while no thumbnail has come.
        traceparent: W3C trace context.
    """

    position: int
    id: str
    node: str
    camera: str | None
    kind: str
    label: str | None
    subject: str | None
    time: datetime
    epoch: str
    sequence: int
    recorded_at: datetime
    stored_at: datetime
    data_json: bytes
    thumbnail_id: str | None = None
    traceparent: str | None = None

    def event(self) -> Event:
        """Return the event that was stored, equal to the one that came."""
        return Event(
            id=self.id,
            node=self.node,
            camera=self.camera,
            subject=self.subject,
            time=self.time,
            data=decode_data(self.kind, self.data_json),
            data_json=self.data_json,
            recorded=Recorded(epoch=self.epoch, sequence=self.sequence, at=self.recorded_at),
            traceparent=self.traceparent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted; an empty tuple or None wants all.

    Attributes:
        nodes: exact names.
        cameras: exact names, on any node.
        labels: exact labels; leaves out events without one.
        kinds: exact kinds, e.g. `line.crossed`.
        since: scene time, inclusive, aware.
        until: scene time, exclusive, aware.
    """

    nodes: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCount:
    """How many events about objects of one label fell into one hour.

    Attributes:
        hour: its beginning; aware, UTC.
    """

    hour: datetime
    label: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """What is known of a node.

    Attributes:
        state: `online`, `stopped`, `offline`, or `unknown` before its first status.
        since: since when it says so; None before its first status.
        version: of its software; None before its first status.
        last_event_at: newest `recorded_at` of its events and thumbnails; None before the first.
        spool_depth: messages waiting in its spool by its newest `node.stats`; None before the first.
        certificate_ends_at: when the first of the certificates ends that it shows and is shown, by the same; None if it
            tells of none.
    """

    node: str
    state: str
    since: datetime | None
    version: str | None
    last_event_at: datetime | None
    spool_depth: int | None
    certificate_ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraRow:
    """What is known of a camera.

    Attributes:
        state: `online`, `offline`, `degraded`, or `unknown` before its first status.
        since: since when it is so; None before its first status.
        reason: why, if its status gave one.
        last_event_at: newest `recorded_at` of its events and thumbnails; None before the first.
    """

    node: str
    camera: str
    state: str
    since: datetime | None
    reason: str | None
    last_event_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """What cameras delivered and what left the boxes, by every `node.stats` so far.

    Attributes:
        bytes_in: compressed video that was read.
        bytes_out: events and thumbnails that were sent on.
    """

    bytes_in: int
    bytes_out: int

    @property
    def factor(self) -> float | None:
        """Return how many times less left the box than came in; None before anything left it."""
        return self.bytes_in / self.bytes_out if self.bytes_out else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Sequences that a spool accepted, and that neither came nor were given up by a tombstone.

    Attributes:
        first: lowest missing sequence.
        last: highest missing sequence.
        since: when the store first saw a higher one.
    """

    node: str
    epoch: str
    first: int
    last: int
    since: datetime

    @property
    def count(self) -> int:
        """Return how many sequences are missing."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReusedPlaces:
    """New messages at places of the sequence that others have already; see `winnow.cloud_sink.store.places`.

    Attributes:
        first: the lowest of these places.
        last: the highest of them.
        count: how many there are between the two, both included.
    """

    node: str
    epoch: str
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """What became of the records of one write.

    Attributes:
        stored: new events, thumbnails and states.
        duplicates: events and thumbnails that were there already.
        refusals: reason → how many went to the dead letters. Reasons: `schema`, `size`, `topic`, `identity`, `image`
            (see `ContractError`), `reused` (an id that came before with other content), `gateway` (a dead letter of
            the gateway's).
        reused: for each node and epoch, which of the new ones came at a place that another one has. They are stored.
    """

    stored: int = 0
    duplicates: int = 0
    refusals: Mapping[str, int] = field(default_factory=dict)
    reused: tuple[ReusedPlaces, ...] = ()

    @property
    def refused(self) -> int:
        """Return how many records went to the dead letters."""
        return sum(self.refusals.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was refused, kept as it came.

    Attributes:
        topic: the Kafka topic it was on.
        key: the record's key; of a dead letter of the gateway's, the MQTT topic.
        value: the record's value.
        reason: one of a closed set, see `WriteResult`.
        detail: one sentence for people.
        received_at: when it first came; aware, UTC.
    """

    topic: str
    key: bytes
    value: bytes
    reason: str
    detail: str
    received_at: datetime


def label_of(data: EventData) -> str | None:
    """Return the label of the object that the data are about, None if they are about something else."""
    label = getattr(data, "label", None)
    return label if isinstance(label, str) else None


def hour_of(moment: datetime) -> datetime:
    """Return the beginning of the hour that `moment` is in."""
    return moment.replace(minute=0, second=0, microsecond=0)

"""How rows look as JSON. Times are RFC 3339 in UTC; nothing is left out, unknown is null."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from winnow.cloud_sink.store.rows import Bandwidth, CameraRow, Gap, HourCount, NodeRow, StoredEvent


class EventView(Struct, frozen=True, kw_only=True):
    """One event.

    Attributes:
        data: what the event says, as it came.
        thumbnail: path of its picture, null while there is none.
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
    data: Raw
    thumbnail: str | None


class EventPage(Struct, frozen=True, kw_only=True):
    """Events in the order asked for."""

    events: list[EventView]


class PictureView(Struct, frozen=True, kw_only=True):
    """The picture of an event that was shown before it had one."""

    position: int
    id: str
    thumbnail: str


class PicturePage(Struct, frozen=True, kw_only=True):
    """Pictures that came after their events."""

    thumbnails: list[PictureView]


class CountPage(Struct, frozen=True, kw_only=True):
    """Events an hour and label.

    Attributes:
        since: beginning of the first hour.
        until: end of the last hour.
        counts: by hour and label; an hour without any is left out.
    """

    since: datetime
    until: datetime
    counts: list[HourCount]


class NodePage(Struct, frozen=True, kw_only=True):
    """Every node."""

    nodes: list[NodeRow]


class CameraPage(Struct, frozen=True, kw_only=True):
    """Every camera."""

    cameras: list[CameraRow]


class BandwidthView(Struct, frozen=True, kw_only=True):
    """Bytes of video in, bytes of events and pictures out, and how many times less that is."""

    bytes_in: int
    bytes_out: int
    factor: float | None


class GapView(Struct, frozen=True, kw_only=True):
    """A run of missing sequences."""

    node: str
    epoch: str
    first: int
    last: int
    count: int
    since: datetime


class GapPage(Struct, frozen=True, kw_only=True):
    """Every gap.

    Attributes:
        complete: whether nothing is overdue; if something is and there is no gap, it may be in a backlog.
        gaps: what will not come any more, newest first.
    """

    complete: bool
    gaps: list[GapView]


def thumbnail_path(thumbnail_id: str) -> str:
    """Return where a picture is served."""
    return f"/thumbnails/{thumbnail_id}.jpg"


def event_page(events: Iterable[StoredEvent]) -> EventPage:
    """Return events as JSON will show them."""
    return EventPage(events=[_event_view(event) for event in events])


def picture_page(events: Iterable[StoredEvent]) -> PicturePage:
    """Return the pictures of those events that have one."""
    return PicturePage(
        thumbnails=[
            PictureView(position=event.position, id=event.id, thumbnail=thumbnail_path(event.thumbnail_id))
            for event in events
            if event.thumbnail_id is not None
        ]
    )


def bandwidth_view(bandwidth: Bandwidth) -> BandwidthView:
    """Return the sum over all cameras as JSON will show it."""
    return BandwidthView(bytes_in=bandwidth.bytes_in, bytes_out=bandwidth.bytes_out, factor=bandwidth.factor)


def gap_page(overdue: Sequence[Gap], proven: Sequence[Gap]) -> GapPage:
    """Return the proven ones among the overdue gaps as JSON will show them."""
    views = [
        GapView(node=gap.node, epoch=gap.epoch, first=gap.first, last=gap.last, count=gap.count, since=gap.since)
        for gap in sorted(proven, key=lambda gap: (gap.since, gap.first), reverse=True)
    ]
    return GapPage(complete=not overdue, gaps=views)


def encode(value: object) -> bytes:
    """Return `value` as one line of JSON."""
    return msgspec.json.encode(value)


def _event_view(event: StoredEvent) -> EventView:
    return EventView(
        position=event.position,
        id=event.id,
        node=event.node,
        camera=event.camera,
        kind=event.kind,
        label=event.label,
        subject=event.subject,
        time=event.time,
        epoch=event.epoch,
        sequence=event.sequence,
        recorded_at=event.recorded_at,
        stored_at=event.stored_at,
        data=Raw(event.data_json),
        thumbnail=None if event.thumbnail_id is None else thumbnail_path(event.thumbnail_id),
    )

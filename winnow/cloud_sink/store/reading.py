"""The queries, as functions of an open connection, and their rows as values."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from winnow.cloud_sink.audit import Run, holes
from winnow.cloud_sink.store.intake import in_utc
from winnow.cloud_sink.store.rows import (
    CameraRow,
    DeadLetter,
    EventFilter,
    Gap,
    HourCount,
    NodeRow,
    StoredEvent,
    hour_of,
)
from winnow.cloud_sink.store.schema import (
    cameras,
    dead_letters,
    events,
    hour_counts,
    node_certificates,
    nodes,
    sequence_runs,
    thumbnails,
)

_NEWEST_THUMBNAIL = (
    select(thumbnails.c.sha256)
    .where(thumbnails.c.event_id == events.c.id, thumbnails.c.source == events.c.source)
    .order_by(thumbnails.c.position.desc())
    .limit(1)
    .scalar_subquery()
    .label("thumbnail_id")
)


def select_events(
    wanted: EventFilter, *, after: int | None, before: int | None, limit: int, newest_first: bool
) -> Select[Any]:
    """Return the query of `Store.events`."""
    position = events.c.position
    query = select(events, _NEWEST_THUMBNAIL).where(*_named(wanted, events))
    if wanted.since is not None:
        query = query.where(events.c.time >= wanted.since)
    if wanted.until is not None:
        query = query.where(events.c.time < wanted.until)
    if after is not None:
        query = query.where(position > after)
    if before is not None:
        query = query.where(position < before)
    return query.order_by(position.desc() if newest_first else position).limit(limit)


def select_hour_counts(wanted: EventFilter) -> Select[Any]:
    """Return the query of `Store.counts_per_hour`."""
    columns = hour_counts.c
    query = select(columns.hour, columns.label, func.sum(columns.count).label("events")).where(
        *_named(wanted, hour_counts)
    )
    if wanted.since is not None:
        query = query.where(columns.hour >= hour_of(in_utc(wanted.since)))
    if wanted.until is not None:
        query = query.where(columns.hour < wanted.until)
    return query.group_by(columns.hour, columns.label).order_by(columns.hour, columns.label)


def _named(wanted: EventFilter, table: Any) -> list[ColumnElement[bool]]:
    pairs = (("node", wanted.nodes), ("camera", wanted.cameras), ("label", wanted.labels), ("kind", wanted.kinds))
    return [table.c[name].in_(values) for name, values in pairs if values]


def stored_event(row: Row[Any]) -> StoredEvent:
    """Return one row of `select_events` as a value."""
    return StoredEvent(
        position=row.position,
        id=row.id,
        node=row.node,
        camera=row.camera,
        kind=row.kind,
        label=row.label,
        subject=row.subject,
        time=row.time,
        epoch=row.epoch,
        sequence=row.sequence,
        recorded_at=row.recorded_at,
        stored_at=row.stored_at,
        data_json=bytes(row.data_json),
        thumbnail_id=row.thumbnail_id,
        traceparent=row.traceparent,
    )


def hour_count(row: Row[Any]) -> HourCount:
    """Return one row of `select_hour_counts` as a value."""
    return HourCount(hour=row.hour, label=row.label, count=int(row.events))


def select_nodes() -> Select[Any]:
    """Return the query for what is known of nodes."""
    ends = node_certificates
    return select(nodes, ends.c.ends_at).join_from(nodes, ends, ends.c.node == nodes.c.node, isouter=True)


def node_row(row: Row[Any]) -> NodeRow:
    """Return one row of `select_nodes` as a value."""
    return NodeRow(
        node=row.node,
        state=row.state,
        since=row.since,
        version=row.version,
        last_event_at=row.last_event_at,
        spool_depth=row.spool_depth,
        certificate_ends_at=row.ends_at,
    )


def camera_row(row: Row[Any]) -> CameraRow:
    """Return one row of the table `cameras` as a value."""
    return CameraRow(
        node=row.node,
        camera=row.camera,
        state=row.state,
        since=row.since,
        reason=row.reason,
        last_event_at=row.last_event_at,
    )


def read_nodes(connection: Connection) -> list[NodeRow]:
    """Return every node, by name."""
    return [node_row(row) for row in connection.execute(select_nodes().order_by(nodes.c.node))]


def read_cameras(connection: Connection) -> list[CameraRow]:
    """Return every camera, by node and name."""
    query = select(cameras).order_by(cameras.c.node, cameras.c.camera)
    return [camera_row(row) for row in connection.execute(query)]


def read_gaps(connection: Connection) -> list[Gap]:
    """Return every gap, however young, by node, epoch and sequence."""
    columns = sequence_runs.c
    streams: dict[tuple[str, str], list[Run]] = {}
    for row in connection.execute(select(sequence_runs).order_by(columns.node, columns.epoch, columns.first)):
        run = Run(first=row.first, last=row.last, hole_since=row.hole_since)
        streams.setdefault((row.node, row.epoch), []).append(run)
    return gaps_of(streams)


def gaps_of(streams: dict[tuple[str, str], list[Run]]) -> list[Gap]:
    """Return the gaps of complete (node, epoch) → runs."""
    return [
        Gap(node=node, epoch=epoch, first=hole.first, last=hole.last, since=hole.since)
        for (node, epoch), runs in sorted(streams.items())
        for hole in holes(runs)
    ]


def read_dead_letters(connection: Connection, limit: int) -> list[DeadLetter]:
    """Return the newest dead letters, the newest first."""
    query = select(dead_letters).order_by(dead_letters.c.position.desc()).limit(limit)
    return [
        DeadLetter(
            topic=row.topic,
            key=bytes(row.key),
            value=bytes(row.value),
            reason=row.reason,
            detail=row.detail,
            received_at=row.received_at,
        )
        for row in connection.execute(query)
    ]

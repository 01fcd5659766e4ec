"""One batch into the tables, inside a transaction that the caller began and whose turn it is to write."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select

from winnow.cloud_sink.audit import Run, account
from winnow.cloud_sink.store.dialects import insert_if_new, insert_or_replace, is_one_of
from winnow.cloud_sink.store.intake import Arrival, Intake, Key, Refusal, accounted, in_utc, split_known, storable
from winnow.cloud_sink.store.ledger import CameraAccount, Ledger, NodeAccount, touched_by
from winnow.cloud_sink.store.places import Stream, reused, sequences_of, taken
from winnow.cloud_sink.store.reading import camera_row, node_row, select_nodes
from winnow.cloud_sink.store.rows import ReusedPlaces, WriteResult, hour_of, label_of
from winnow.cloud_sink.store.schema import (
    cameras,
    dead_letters,
    events,
    hour_counts,
    kafka_offsets,
    node_certificates,
    nodes,
    sequence_runs,
    thumbnails,
)
from winnow.cloud_sink.store.store import TopicPartition
from winnow.events import Event, Recorded, Thumbnail
from winnow.events.data import SpoolDropped
from winnow.events.event import decode_data

TOMBSTONE: Final = "spool.dropped"
_MOST_TOMBSTONES: Final = 1000
"""Looked at, newest first, when a place is taken; an edge merges those that wait, so a node has few."""


def write_intake(connection: Connection, intake: Intake, now: datetime) -> WriteResult:
    """The tables hold what `intake` says.

    Args:
        connection: inside a transaction in which no one else writes.
        intake: the batch.
        now: what the rows are stamped with.
    """
    new, repeated, other_content = split_known(intake.arrivals, _known(connection, intake.arrivals))
    refusals = [*intake.refusals, *other_content]
    _insert_arrivals(connection, new, now)
    _count_hours(connection, new)
    _update_ledger(connection, intake, new)
    again = _account(connection, accounted(intake.arrivals, refusals), sequences_of(new), now)
    insert_if_new(connection, dead_letters, [_dead_letter_values(refusal, now) for refusal in refusals])
    return WriteResult(
        stored=len(new) + len(intake.states),
        duplicates=len(repeated),
        refusals=Counter(refusal.reason for refusal in refusals),
        reused=again,
    )


def write_offsets(connection: Connection, offsets: Mapping[TopicPartition, int]) -> None:
    """The tables hold the next offset of every partition named."""
    rows = [
        {"topic": topic, "partition": partition, "next_offset": offset}
        for (topic, partition), offset in offsets.items()
    ]
    insert_or_replace(connection, kafka_offsets, rows)


def _known(connection: Connection, arrivals: Iterable[Arrival]) -> dict[Key, str]:
    """Return key → digest of everything in the store that has the id of one of the arrivals."""
    ids: dict[bool, set[str]] = {False: set(), True: set()}
    for arrival in arrivals:
        ids[isinstance(arrival.message, Thumbnail)].add(arrival.message.id)
    known: dict[Key, str] = {}
    for is_thumbnail, table in ((False, events), (True, thumbnails)):
        if ids[is_thumbnail]:
            wanted = is_one_of(connection, table.c.id, sorted(ids[is_thumbnail]))
            query = select(table.c.source, table.c.id, table.c.digest).where(wanted)
            known |= {(is_thumbnail, source, id_): digest for source, id_, digest in connection.execute(query)}
    return known


def _insert_arrivals(connection: Connection, new: Iterable[Arrival], now: datetime) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {events: [], thumbnails: []}
    for arrival in new:
        message = arrival.message
        if message.recorded is None:
            continue
        shared = _shared_values(arrival, message.recorded, now)
        if isinstance(message, Thumbnail):
            rows[thumbnails].append(shared | _thumbnail_values(message))
        else:
            rows[events].append(shared | _event_values(message, message.recorded))
    for table, values in rows.items():
        if values:
            connection.execute(insert(table), values)


def _shared_values(arrival: Arrival, recorded: Recorded, now: datetime) -> dict[str, Any]:
    return {
        "id": arrival.message.id,
        "source": arrival.message.source,
        "time": in_utc(arrival.message.time),
        "epoch": recorded.epoch,
        "sequence": recorded.sequence,
        "stored_at": now,
        "digest": arrival.digest,
    }


def _event_values(event: Event, recorded: Recorded) -> dict[str, Any]:
    return {
        "node": event.node,
        "camera": event.camera,
        "kind": event.kind,
        "label": label_of(event.data),
        "subject": event.subject,
        "recorded_at": in_utc(recorded.at),
        "data_json": event.data_json,
        "traceparent": event.traceparent,
    }


def _thumbnail_values(thumbnail: Thumbnail) -> dict[str, Any]:
    return {"event_id": thumbnail.event_id, "sha256": thumbnail.sha256, "bytes": thumbnail.jpeg}


def _count_hours(connection: Connection, new: Iterable[Arrival]) -> None:
    counts: Counter[tuple[datetime, str, str, str, str]] = Counter()
    for message in (arrival.message for arrival in new):
        label = None if isinstance(message, Thumbnail) else label_of(message.data)
        if label is not None:
            counts[hour_of(in_utc(message.time)), message.node, message.camera or "", message.kind, label] += 1
    rows = [
        {"hour": hour, "node": node, "camera": camera, "kind": kind, "label": label, "count": count}
        for (hour, node, camera, kind, label), count in counts.items()
    ]
    insert_or_replace(connection, hour_counts, rows, adding=["count"])


def _update_ledger(connection: Connection, intake: Intake, new: Sequence[Arrival]) -> None:
    ledger = _load_ledger(connection, touched_by(intake))
    ends_before = {name: account.row.certificate_ends_at for name, account in ledger.nodes.items()}
    ledger.note(new, intake.states)
    insert_or_replace(connection, nodes, [_node_values(account) for account in ledger.nodes.values()])
    ends = {name: account.row.certificate_ends_at for name, account in ledger.nodes.items()}
    changed = [{"node": name, "ends_at": at} for name, at in ends.items() if at != ends_before.get(name)]
    insert_or_replace(connection, node_certificates, changed)
    insert_or_replace(connection, cameras, [_camera_values(account) for account in ledger.cameras.values()])


def _load_ledger(connection: Connection, touched: set[str]) -> Ledger:
    known_nodes = connection.execute(select_nodes().where(nodes.c.node.in_(touched)))
    known_cameras = connection.execute(select(cameras).where(cameras.c.node.in_(touched)))
    return Ledger(
        {row.node: NodeAccount(row=node_row(row), stats_at=row.stats_at) for row in known_nodes},
        {(row.node, row.camera): _camera_account(row) for row in known_cameras},
    )


def _camera_account(row: Row[Any]) -> CameraAccount:
    return CameraAccount(row=camera_row(row), bytes_in=row.bytes_in, bytes_out=row.bytes_out)


def _node_values(account: NodeAccount) -> dict[str, Any]:
    row = account.row
    return {
        "node": row.node,
        "state": row.state,
        "since": row.since,
        "version": row.version,
        "last_event_at": row.last_event_at,
        "spool_depth": row.spool_depth,
        "stats_at": account.stats_at,
    }


def _camera_values(account: CameraAccount) -> dict[str, Any]:
    row = account.row
    return {
        "node": row.node,
        "camera": row.camera,
        "state": row.state,
        "since": row.since,
        "reason": row.reason,
        "last_event_at": row.last_event_at,
        "bytes_in": account.bytes_in,
        "bytes_out": account.bytes_out,
    }


def _account(
    connection: Connection,
    added: Mapping[Stream, list[tuple[int, int]]],
    new: Mapping[Stream, Sequence[int]],
    now: datetime,
) -> tuple[ReusedPlaces, ...]:
    """Keep the runs, and return the places of new messages that others have already."""
    again = []
    for (node, epoch), ranges in added.items():
        before = _runs_from(connection, node, epoch, min(first for first, _ in ranges) - 1)
        if at := taken(before, new.get((node, epoch), ())):
            again.append(reused((node, epoch), at, _given_up(connection, node, epoch)))
        after = account(before, ranges, now)
        _delete_runs(connection, node, epoch, set(before) - set(after))
        come = set(after) - set(before)
        insert_or_replace(
            connection,
            sequence_runs,
            [
                {"node": node, "epoch": epoch, "first": run.first, "last": run.last, "hole_since": run.hole_since}
                for run in come
            ],
        )
    return tuple(one for one in again if one is not None)


def _delete_runs(connection: Connection, node: str, epoch: str, gone: Iterable[Run]) -> None:
    columns = sequence_runs.c
    statement = delete(sequence_runs).where(
        columns.node == node, columns.epoch == epoch, columns.first == bindparam("of_run")
    )
    if rows := [{"of_run": run.first} for run in gone]:
        connection.execute(statement, rows)


def _given_up(connection: Connection, node: str, epoch: str) -> list[tuple[int, int]]:
    """Return what the node's tombstones say was given up, those of this batch too."""
    columns = events.c
    query = (
        select(columns.data_json)
        .where(columns.kind == TOMBSTONE, columns.node == node)
        .order_by(columns.position.desc())
        .limit(_MOST_TOMBSTONES)
    )
    stones = [decode_data(TOMBSTONE, row.data_json) for row in connection.execute(query)]
    return [
        given_up
        for stone in stones
        if isinstance(stone, SpoolDropped) and stone.dropped_epoch == epoch
        for given_up in stone.ranges
    ]


def _runs_from(connection: Connection, node: str, epoch: str, sequence: int) -> list[Run]:
    """Return the runs that reach `sequence` or lie above it."""
    columns = sequence_runs.c
    query = (
        select(columns.first, columns.last, columns.hole_since)
        .where(columns.node == node, columns.epoch == epoch, columns.last >= sequence)
        .order_by(columns.first)
    )
    return [Run(first=row.first, last=row.last, hole_since=row.hole_since) for row in connection.execute(query)]


def _dead_letter_values(refusal: Refusal, now: datetime) -> dict[str, Any]:
    record = refusal.record
    headers = [(name, value.decode("utf-8", "replace")) for name, value in record.headers]
    return {
        "digest": refusal.digest,
        "topic": storable(record.topic),
        "key": record.key,
        "value": record.value,
        "headers": msgspec.json.encode(headers),
        "reason": refusal.reason,
        "detail": refusal.detail,
        "received_at": now,
    }

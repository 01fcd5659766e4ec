"""Fakes of the cloud sink's seams, and small messages to feed them."""

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher

from winnow.cloud_sink.access.passwords import Passwords
from winnow.cloud_sink.audit import Run, account
from winnow.cloud_sink.store import (
    DEFAULT_LATENESS_S,
    EVERYTHING,
    Bandwidth,
    CameraRow,
    DeadLetter,
    EventFilter,
    Gap,
    HourCount,
    NodeRow,
    ReusedPlaces,
    StoredEvent,
    StoreUnavailableError,
    TopicPartition,
    WriteResult,
)
from winnow.cloud_sink.store.intake import Arrival, Key, Refusal, accounted, in_utc, sort_records, split_known
from winnow.cloud_sink.store.ledger import Ledger
from winnow.cloud_sink.store.places import Stream, reused, sequences_of, taken
from winnow.cloud_sink.store.reading import gaps_of
from winnow.cloud_sink.store.rows import hour_of, label_of
from winnow.events import Event, Recorded, Thumbnail, new_event
from winnow.events.data import LineCrossed, ModelRef, SpoolDropped
from winnow.events.identity import event_id
from winnow.events.kafka import KafkaRecord
from winnow.events.thumbnail import sha256_of
from winnow.runtime.clock import Clock, SystemClock


class MemoryStore:
    """A `Store` in memory.

    Args:
        clock: stamps what is stored and tells how old a gap is.

    Attributes:
        failures: how many of the next calls that touch the database find it down.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.failures = 0
        self._clock = clock or SystemClock()
        self._lock = threading.RLock()
        self._events: list[StoredEvent] = []
        self._thumbnails: list[Thumbnail] = []
        self._known: dict[Key, str] = {}
        self._ledger = Ledger({}, {})
        self._runs: dict[tuple[str, str], list[Run]] = {}
        self._offsets: dict[TopicPartition, int] = {}
        self._dead: dict[str, DeadLetter] = {}

    def write(self, records: Sequence[KafkaRecord], offsets: Mapping[TopicPartition, int] | None = None) -> WriteResult:
        """See `Store.write`."""
        intake = sort_records(records)
        with self._lock:
            self._fail_if_told()
            now = self._clock.now()
            new, repeated, other_content = split_known(intake.arrivals, self._known)
            refusals = [*intake.refusals, *other_content]
            for arrival in new:
                self._keep(arrival, now)
            self._ledger.note(new, intake.states)
            again = self._account(accounted(intake.arrivals, refusals), sequences_of(new), now)
            self._bury(refusals, now)
            self._offsets |= offsets or {}
        reasons = Counter(refusal.reason for refusal in refusals)
        stored = len(new) + len(intake.states)
        return WriteResult(stored=stored, duplicates=len(repeated), refusals=reasons, reused=again)

    def offsets(self) -> dict[TopicPartition, int]:
        """See `Store.offsets`."""
        with self._lock:
            self._fail_if_told()
            return dict(self._offsets)

    def events(
        self,
        wanted: EventFilter = EVERYTHING,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[StoredEvent]:
        """See `Store.events`."""
        with self._lock:
            self._fail_if_told()
            found = [
                replace(event, thumbnail_id=self._thumbnail_id(event))
                for event in self._events
                if _matches(event, wanted)
                and (after is None or event.position > after)
                and (before is None or event.position < before)
            ]
        return (found[::-1] if newest_first else found)[:limit]

    def thumbnail(self, thumbnail_id: str) -> bytes | None:
        """See `Store.thumbnail`."""
        with self._lock:
            self._fail_if_told()
            return next((kept.jpeg for kept in self._thumbnails if kept.sha256 == thumbnail_id), None)

    def counts_per_hour(self, wanted: EventFilter = EVERYTHING) -> list[HourCount]:
        """See `Store.counts_per_hour`."""
        whole_hours = replace(wanted, since=wanted.since and hour_of(in_utc(wanted.since)), until=None)
        with self._lock:
            self._fail_if_told()
            counts = Counter(
                (hour_of(event.time), event.label)
                for event in self._events
                if event.label is not None
                and _matches(event, whole_hours)
                and (wanted.until is None or hour_of(event.time) < wanted.until)
            )
        return [HourCount(hour=hour, label=label, count=count) for (hour, label), count in sorted(counts.items())]

    def nodes(self) -> list[NodeRow]:
        """See `Store.nodes`."""
        with self._lock:
            self._fail_if_told()
            return [known.row for _, known in sorted(self._ledger.nodes.items())]

    def cameras(self) -> list[CameraRow]:
        """See `Store.cameras`."""
        with self._lock:
            self._fail_if_told()
            return [known.row for _, known in sorted(self._ledger.cameras.items())]

    def bandwidth(self) -> Bandwidth:
        """See `Store.bandwidth`."""
        with self._lock:
            self._fail_if_told()
            known = self._ledger.cameras.values()
            return Bandwidth(
                bytes_in=sum(camera.bytes_in for camera in known), bytes_out=sum(camera.bytes_out for camera in known)
            )

    def gaps(self, lateness_s: float = DEFAULT_LATENESS_S) -> list[Gap]:
        """See `Store.gaps`."""
        overdue = self._clock.now() - timedelta(seconds=lateness_s)
        with self._lock:
            self._fail_if_told()
            return [gap for gap in gaps_of(self._runs) if gap.since <= overdue]

    def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """See `Store.dead_letters`."""
        with self._lock:
            self._fail_if_told()
            return list(self._dead.values())[::-1][:limit]

    def close(self) -> None:
        """Nothing is open."""

    def _fail_if_told(self) -> None:
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailableError("the memory store was told to fail")

    def _keep(self, arrival: Arrival, now: datetime) -> None:
        self._known[arrival.key] = arrival.digest
        if isinstance(arrival.message, Thumbnail):
            self._thumbnails.append(arrival.message)
        else:
            self._events.append(_stored(arrival.message, len(self._events) + 1, now))

    def _thumbnail_id(self, event: StoredEvent) -> str | None:
        """Return the newest thumbnail of the event."""
        own = (event.id, event.node, event.camera)
        found = (kept.sha256 for kept in reversed(self._thumbnails) if (kept.event_id, kept.node, kept.camera) == own)
        return next(found, None)

    def _account(
        self, added: Mapping[Stream, list[tuple[int, int]]], new: Mapping[Stream, Sequence[int]], now: datetime
    ) -> tuple[ReusedPlaces, ...]:
        again = []
        for stream, ranges in added.items():
            before = self._runs.get(stream, [])
            if at := taken(before, new.get(stream, ())):
                again.append(reused(stream, at, self._given_up(*stream)))
            self._runs[stream] = account(before, ranges, now)
        return tuple(one for one in again if one is not None)

    def _given_up(self, node: str, epoch: str) -> list[tuple[int, int]]:
        stones = [event.event().data for event in self._events if event.node == node]
        named = [one for one in stones if isinstance(one, SpoolDropped) and one.dropped_epoch == epoch]
        return [given_up for stone in named for given_up in stone.ranges]

    def _bury(self, refusals: Iterable[Refusal], now: datetime) -> None:
        for refusal in refusals:
            letter = DeadLetter(
                topic=refusal.record.topic,
                key=refusal.record.key,
                value=refusal.record.value,
                reason=refusal.reason,
                detail=refusal.detail,
                received_at=now,
            )
            self._dead.setdefault(refusal.digest, letter)


def _stored(event: Event, position: int, now: datetime) -> StoredEvent:
    recorded = event.recorded
    assert recorded is not None, "sort_records lets nothing through that no spool accepted"  # noqa: S101 - a fake
    return StoredEvent(
        position=position,
        id=event.id,
        node=event.node,
        camera=event.camera,
        kind=event.kind,
        label=label_of(event.data),
        subject=event.subject,
        time=in_utc(event.time),
        epoch=recorded.epoch,
        sequence=recorded.sequence,
        recorded_at=in_utc(recorded.at),
        stored_at=now,
        data_json=event.data_json,
        traceparent=event.traceparent,
    )


def _matches(event: StoredEvent, wanted: EventFilter) -> bool:
    return (
        (not wanted.nodes or event.node in wanted.nodes)
        and (not wanted.cameras or event.camera in wanted.cameras)
        and (not wanted.labels or event.label in wanted.labels)
        and (not wanted.kinds or event.kind in wanted.kinds)
        and (wanted.since is None or event.time >= wanted.since)
        and (wanted.until is None or event.time < wanted.until)
    )


def quick_passwords() -> Passwords:
    """Return hashes of passwords that cost next to nothing, to make and to break."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def crossing_event(sequence: int, *, node: str = "north", camera: str = "door", label: str = "person") -> Event:
    """Return the event in which the object of that number crossed a line, accepted as `sequence` of epoch `e1`."""
    data = LineCrossed(
        label=label,
        track=sequence,
        score=0.8,
        box=(0.1, 0.2, 0.3, 0.4),
        frame=(768, 576),
        model=ModelRef(name="tiny", sha256="a" * 64),
        clock="file",
        line="door",
        direction="in",
    )
    time = datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(seconds=sequence)
    subject = f"{label}/{sequence}"
    id_ = event_id(f"{node}/{camera}", "line.crossed", subject, 0)
    event = new_event(id=id_, node=node, camera=camera, subject=subject, time=time, data=data)
    return event.with_record(Recorded(epoch="e1", sequence=sequence, at=time))


def thumbnail_of(event: Event, sequence: int) -> Thumbnail:
    """Return a thumbnail of `event` whose header says JPEG, 4 x 3 pixels, accepted as `sequence` of epoch `e1`."""
    frame = b"\xff\xc0\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + sequence.to_bytes(4, "big")
    jpeg = b"\xff\xd8" + frame + scan + b"\xff\xd9"
    thumbnail = Thumbnail(
        id=event_id(f"{event.node}/{event.camera}", "thumbnail.captured", str(event.subject), sequence),
        node=event.node,
        camera=str(event.camera),
        subject=str(event.subject),
        time=event.time,
        event_id=event.id,
        jpeg=jpeg,
        sha256=sha256_of(jpeg),
    )
    return thumbnail.with_record(Recorded(epoch="e1", sequence=sequence, at=event.time))

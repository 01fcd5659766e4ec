"""What a batch of records says, sorted and checked before any database sees it. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from winnow.events import ContractError, Event, Thumbnail
from winnow.events.data import SpoolDropped
from winnow.events.identity import digest_of
from winnow.events.kafka import HEADER_PREFIX, KafkaRecord, from_kafka
from winnow.events.limits import MAX_EVENT_BYTES, MAX_SEQUENCE
from winnow.events.mqtt import position_of
from winnow.events.names import check_name, parse_source
from winnow.events.status import Status, decode_status
from winnow.events.thumbnail import sha256_of
from winnow.events.topics import (
    KAFKA_DEADLETTER,
    KAFKA_EVENTS,
    KAFKA_STATUS,
    KAFKA_THUMBNAILS,
    parse_upward_topic,
)

REUSED: Final = "reused"
"""Reason: the id came before with other content."""

FROM_GATEWAY: Final = "gateway"
"""Reason: the gateway had refused it already."""

_EPOCH: Final = re.compile(r"[0-9a-z-]{1,40}")

Key = tuple[bool, str, str]
"""Whether it is a thumbnail, its source and its id: what must be unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event or thumbnail that keeps the contract.

    Attributes:
        digest: depends on everything that an event with the same id must have in common with it.
    """

    record: KafkaRecord
    message: Event | Thumbnail
    digest: str

    @property
    def key(self) -> Key:
        """Return what identifies it."""
        return isinstance(self.message, Thumbnail), self.message.source, self.message.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record that goes to the dead letters.

    Attributes:
        reason: one of a closed set, see `WriteResult`.
        detail: one sentence for people.
        position: node, epoch and sequence, if they can still be told.
    """

    record: KafkaRecord
    reason: str
    detail: str
    position: tuple[str, str, int] | None

    @property
    def digest(self) -> str:
        """Return what tells it from other dead letters."""
        parts = (self.record.topic, self.record.key.hex(), sha256_of(self.record.value), self.reason, self.detail)
        return digest_of(*parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A batch, sorted; each list keeps the order in which the records came.

    Attributes:
        states: node, camera (None for the node itself) and what it said of itself.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    states: list[tuple[str, str | None, Status]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def sort_records(records: Iterable[KafkaRecord]) -> Intake:
    """Return every record in exactly one of the lists."""
    intake = Intake()
    for record in records:
        try:
            if record.topic == KAFKA_DEADLETTER:
                intake.refusals.append(_gateway_refusal(record))
            elif record.topic == KAFKA_STATUS:
                intake.states.append(_read_state(record))
            else:
                intake.arrivals.append(_read_arrival(record))
        except ContractError as exc:
            intake.refusals.append(
                Refusal(record=record, reason=exc.reason, detail=storable(str(exc)), position=_position(record))
            )
    return intake


def split_known(
    arrivals: Iterable[Arrival], known: Mapping[Key, str]
) -> tuple[list[Arrival], list[Arrival], list[Refusal]]:
    """Return the new arrivals, the repeated ones, and those that reuse an id for something else.

    Args:
        arrivals: in order; a later one may repeat an earlier one.
        known: digest of everything in the store that has the key of one of the arrivals.
    """
    new: list[Arrival] = []
    repeated: list[Arrival] = []
    reused: list[Refusal] = []
    digests = dict(known)
    for arrival in arrivals:
        digest = digests.get(arrival.key)
        if digest is None:
            digests[arrival.key] = arrival.digest
            new.append(arrival)
        elif digest == arrival.digest:
            repeated.append(arrival)
        else:
            reused.append(_reuse(arrival))
    return new, repeated, reused


def accounted(arrivals: Iterable[Arrival], refusals: Iterable[Refusal]) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return (node, epoch) → runs of sequences that these account for, tombstones included."""
    runs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for arrival in arrivals:
        message = arrival.message
        if message.recorded is not None:
            sequence = message.recorded.sequence
            runs.setdefault((message.node, message.recorded.epoch), []).append((sequence, sequence))
        if isinstance(message, Event) and isinstance(message.data, SpoolDropped):
            given_up = [(first, last) for first, last in message.data.ranges if 1 <= first <= last <= MAX_SEQUENCE]
            runs.setdefault((message.node, message.data.dropped_epoch), []).extend(given_up)
    for refusal in refusals:
        if refusal.position is not None:
            node, epoch, sequence = refusal.position
            runs.setdefault((node, epoch), []).append((sequence, sequence))
    return {stream: ranges for stream, ranges in runs.items() if ranges}


def storable(text: str) -> str:
    """Return `text` without what a database may refuse: NUL and lone surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC.

    Raises:
        ContractError: it is outside the years 1 to 9999 there.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:
        raise ContractError("schema", f"time {moment.isoformat()} does not exist in UTC") from exc


def _read_arrival(record: KafkaRecord) -> Arrival:
    if record.topic not in {KAFKA_EVENTS, KAFKA_THUMBNAILS}:
        raise ContractError("topic", f"topic {record.topic[:80]!r} is none of ours")
    if record.topic == KAFKA_EVENTS and len(record.value) > MAX_EVENT_BYTES:
        raise ContractError("size", f"event data of {len(record.value)} bytes; {MAX_EVENT_BYTES} are allowed")
    message = from_kafka(record.value, record.headers)
    if isinstance(message, Thumbnail) != (record.topic == KAFKA_THUMBNAILS):
        raise ContractError("schema", f"{message.type} does not belong on {record.topic}")
    if message.recorded is not None:
        in_utc(message.recorded.at)
    return Arrival(record=record, message=message, digest=_digest(message))


def _digest(message: Event | Thumbnail) -> str:
    content = f"{message.event_id} {message.sha256}" if isinstance(message, Thumbnail) else sha256_of(message.data_json)
    return digest_of(message.type, message.subject or "", in_utc(message.time).isoformat(), content)


def _read_state(record: KafkaRecord) -> tuple[str, str | None, Status]:
    node, camera = _names_of(record.key)
    status = decode_status(record.value, camera)
    in_utc(status.since)
    return node, camera, status


def _names_of(key: bytes) -> tuple[str, str | None]:
    """Return node and camera of a record's key."""
    node, slash, camera = key.decode("utf-8", "replace").partition("/")
    return check_name(node), check_name(camera) if slash else None


def _reuse(arrival: Arrival) -> Refusal:
    message = arrival.message
    at = (message.node, message.recorded.epoch, message.recorded.sequence) if message.recorded else None
    detail = f"id {message.id} of {message.source} came before with other content"
    return Refusal(record=arrival.record, reason=REUSED, detail=detail, position=at)


def _gateway_refusal(record: KafkaRecord) -> Refusal:
    """Return a dead letter of the gateway's: its key is the MQTT topic, which names the node."""
    headers = _texts(record.headers)
    try:
        node = parse_upward_topic(record.key.decode("utf-8", "replace"))[0]
    except ContractError:
        node = None
    detail = headers.get("reason", "no reason given")
    return Refusal(record=record, reason=FROM_GATEWAY, detail=detail, position=_located(node, headers))


def _position(record: KafkaRecord) -> tuple[str, str, int] | None:
    attributes = {name.removeprefix(HEADER_PREFIX): text for name, text in _texts(record.headers).items()}
    try:
        node = parse_source(attributes.get("source", ""))[0]
    except ContractError:
        return None
    return _located(node, attributes)


def _located(node: str | None, attributes: Mapping[str, str]) -> tuple[str, str, int] | None:
    position = position_of(attributes.items())
    if node is None or position is None or not _EPOCH.fullmatch(position[0]):
        return None
    return node, *position


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    return {name: storable(value.decode("utf-8", "replace")) for name, value in headers}

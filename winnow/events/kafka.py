"""Events, thumbnails, states and dead letters as Kafka records, and back."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import Struct

from winnow.events.attributes import attributes_of, message_of, text_of
from winnow.events.errors import ContractError
from winnow.events.event import (
    Envelope,
    Event,
    check_keys,
    check_moment,
    decode_data,
    decode_envelope,
    kind_of_type,
)
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.names import parse_source, source_of
from winnow.events.thumbnail import Thumbnail
from winnow.events.topics import (
    KAFKA_DEADLETTER,
    KAFKA_EVENTS,
    KAFKA_STATUS,
    KAFKA_THUMBNAILS,
    record_key,
)

HEADER_PREFIX: Final = "ce_"
BATCH_HEADER: Final = ("content-type", b"application/x-winnow-batch")
"""The only header of a record that keeps a whole batch; an event's attributes are headers, and this is none of them."""
MAX_REASON_BYTES: Final = 1024


class KafkaRecord(Struct, frozen=True, kw_only=True):
    """One record, free of any client library."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def to_kafka(message: Event | Thumbnail) -> KafkaRecord:
    """Return the record that carries an event's data as JSON, or a thumbnail's image; attributes are headers."""
    is_thumbnail = isinstance(message, Thumbnail)
    headers = tuple((HEADER_PREFIX + name, text.encode()) for name, text in attributes_of(message).items())
    return KafkaRecord(
        topic=KAFKA_THUMBNAILS if is_thumbnail else KAFKA_EVENTS,
        key=record_key(message.node, message.camera).encode(),
        value=message.jpeg if isinstance(message, Thumbnail) else message.data_json,
        headers=headers,
    )


def event_record(node: str, camera: str | None, payload: bytes) -> tuple[KafkaRecord, tuple[str, int]]:
    """Return the record that carries an event that came from a camera, and its epoch and sequence; all is checked.

    The same as `to_kafka(from_mqtt(…))`, without the event as a value between: a gateway does this for every message.

    Raises:
        ContractError: it breaks the contract, or claims a source that is not its topic's (`identity`), or was
            never accepted by a spool.
    """
    envelope = decode_envelope(payload)
    accepted = _checked(payload, envelope)
    if parse_source(envelope.source) != (node, camera):
        raise ContractError("identity", f"source {envelope.source} on the topic of {source_of(node, camera)}")
    return _record_of(envelope, *accepted), accepted[:2]


def item_record(node: str, item: bytes) -> tuple[KafkaRecord, tuple[str, int]]:
    """Return the same as `event_record` for an event of a node's batch, whichever of its cameras it is from.

    Raises:
        ContractError: it breaks the contract, is another node's, was never accepted by a spool, or is a thumbnail.
    """
    envelope = decode_envelope(item)
    accepted = _checked(item, envelope)
    if parse_source(envelope.source)[0] != node:
        raise ContractError("identity", f"source {envelope.source} in a batch of {node}")
    return _record_of(envelope, *accepted), accepted[:2]


def _checked(payload: bytes, envelope: Envelope) -> tuple[str, int, datetime]:
    """Return epoch, sequence and recorded time of a decoded event; all but its source is checked."""
    check_moment(envelope.time)
    check_keys(payload, envelope, decode_data(kind_of_type(envelope.type), envelope.data))
    epoch, sequence, at = envelope.epoch, envelope.sequence, envelope.recordedtime
    if epoch is None or sequence is None or at is None:
        raise ContractError("schema", "epoch, sequence and recordedtime are missing, or some of them")
    check_moment(at)
    return epoch, sequence, at


def _record_of(envelope: Envelope, epoch: str, sequence: int, at: datetime) -> KafkaRecord:
    """Return the record of an event that was checked."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_time", text_of(envelope.time).encode()),
    ]
    if envelope.subject is not None:
        headers.append(("ce_subject", envelope.subject.encode()))
    headers += (
        ("ce_recordedtime", text_of(at).encode()),
        ("ce_epoch", epoch.encode()),
        ("ce_sequence", b"%d" % sequence),
    )
    if envelope.traceparent is not None:
        headers.append(("ce_traceparent", envelope.traceparent.encode()))
    headers.append(("ce_datacontenttype", b"application/json"))
    return KafkaRecord(
        topic=KAFKA_EVENTS, key=_key_of(envelope.source), value=bytes(envelope.data), headers=tuple(headers)
    )


@lru_cache(maxsize=8192)
def _key_of(source: str) -> bytes:
    return record_key(*parse_source(source)).encode()


def from_kafka(value: bytes, headers: Iterable[tuple[str, bytes]]) -> Event | Thumbnail:
    """Return the event or thumbnail of a record, everything checked.

    Raises:
        ContractError: the record breaks the contract.
    """
    try:
        attributes = {
            name.removeprefix(HEADER_PREFIX): text.decode() for name, text in headers if name.startswith(HEADER_PREFIX)
        }
    except UnicodeDecodeError as exc:
        raise ContractError("schema", "a header is not UTF-8") from exc
    message = message_of(attributes, value)
    if isinstance(message, Event) and len(value) > MAX_EVENT_BYTES:
        raise ContractError("size", f"event data of {len(value)} bytes; {MAX_EVENT_BYTES} are allowed")
    if message.recorded is None:
        raise ContractError("schema", "epoch, sequence and recordedtime are missing")
    return message


def batch_record(node: str, payload: bytes) -> KafkaRecord:
    """Return the record that keeps a node's batch as it came."""
    return KafkaRecord(topic=KAFKA_EVENTS, key=node.encode(), value=payload, headers=(BATCH_HEADER,))


def is_batch(record: KafkaRecord) -> bool:
    """Return whether a record keeps a whole batch; `winnow.events.judging.records_in` opens it."""
    return record.topic == KAFKA_EVENTS and BATCH_HEADER in record.headers


def status_record(node: str, camera: str | None, payload: bytes) -> KafkaRecord:
    """Return the record that replaces the last state of a node or camera."""
    return KafkaRecord(topic=KAFKA_STATUS, key=record_key(node, camera).encode(), value=payload, headers=())


def deadletter_record(topic: str, payload: bytes, reason: str) -> KafkaRecord:
    """Return the record that keeps a refused message as it came, with the reason."""
    short = reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return KafkaRecord(topic=KAFKA_DEADLETTER, key=topic.encode(), value=payload, headers=(("reason", short),))

"""Events, thumbnails, states and dead letters as Kafka records, and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from winnow.events.attributes import attributes_of, message_of
from winnow.events.errors import ContractError
from winnow.events.event import Event
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.thumbnail import Thumbnail
from winnow.events.topics import (
    KAFKA_DEADLETTER,
    KAFKA_EVENTS,
    KAFKA_STATUS,
    KAFKA_THUMBNAILS,
    record_key,
)

HEADER_PREFIX: Final = "ce_"
MAX_REASON_BYTES: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaRecord:
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


def status_record(node: str, camera: str | None, payload: bytes) -> KafkaRecord:
    """Return the record that replaces the last state of a node or camera."""
    return KafkaRecord(topic=KAFKA_STATUS, key=record_key(node, camera).encode(), value=payload, headers=())


def deadletter_record(topic: str, payload: bytes, reason: str) -> KafkaRecord:
    """Return the record that keeps a refused message as it came, with the reason."""
    short = reason.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return KafkaRecord(topic=KAFKA_DEADLETTER, key=topic.encode(), value=payload, headers=(("reason", short),))

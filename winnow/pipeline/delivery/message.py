"""The message as the spool keeps it: its place, its classes and the PUBLISH that it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from winnow.events import ContractError, Event, Recorded, Thumbnail
from winnow.events.limits import MAX_EVENT_BYTES, MAX_THUMBNAIL_BYTES
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.pipeline.delivery.priority import Priority, priority_of

Message = Event | Thumbnail

_FIXED_BYTES: Final = 13
"""Most that a PUBLISH spends beside its variable parts: type 1, length 4, topic length 2, packet id 2, properties 4."""
_LENGTHS_BYTES: Final = 5
"""One property: identifier 1, and the lengths of its name and value, 2 each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpooledMessage:
    """One accepted message.

    Attributes:
        sequence: its number within the spool's epoch.
        priority: when it goes out, and when it is given up.
        mqtt: what is published.
        size_bytes: the PUBLISH packet takes no more than this, header and properties included.
    """

    sequence: int
    priority: Priority
    mqtt: MqttMessage
    size_bytes: int


def packet_bytes(mqtt: MqttMessage) -> int:
    """Return an upper bound of the size of the PUBLISH packet, at most a few bytes too high."""
    properties = sum(_LENGTHS_BYTES + len(name.encode()) + len(text.encode()) for name, text in mqtt.user_properties)
    content_type = _LENGTHS_BYTES + len(mqtt.content_type.encode())
    return _FIXED_BYTES + len(mqtt.topic.encode()) + content_type + properties + len(mqtt.payload)


def spooled(message: Message) -> SpooledMessage:
    """Return a message that has its record as the spool keeps it.

    Raises:
        ContractError: it is larger than the contract allows (`size`).
        ValueError: it has no record.
    """
    if message.recorded is None:
        raise ValueError(f"{message.kind} {message.id} has no sequence yet")
    mqtt = to_mqtt(message)
    allowed = MAX_THUMBNAIL_BYTES if isinstance(message, Thumbnail) else MAX_EVENT_BYTES
    if len(mqtt.payload) > allowed:
        raise ContractError("size", f"{message.kind} of {len(mqtt.payload)} bytes; {allowed} are allowed")
    return SpooledMessage(
        sequence=message.recorded.sequence,
        priority=priority_of(message.kind),
        mqtt=mqtt,
        size_bytes=packet_bytes(mqtt),
    )


def record_all(
    messages: Sequence[Message], *, node: str, epoch: str, after: int, at: datetime
) -> tuple[list[Message], list[SpooledMessage]]:
    """Return the messages numbered from `after + 1` on, as values and as the spool keeps them.

    Raises:
        ContractError: one is too large (`size`) or speaks for another node (`identity`).
    """
    recorded: list[Message] = []
    for sequence, message in enumerate(messages, start=after + 1):
        if message.node != node:
            raise ContractError("identity", f"{message.kind} of node {message.node} in the spool of node {node}")
        recorded.append(message.with_record(Recorded(epoch=epoch, sequence=sequence, at=at)))
    return recorded, [spooled(message) for message in recorded]

"""Events and thumbnails as MQTT 5 messages, and back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from winnow.events.attributes import attributes_of, message_of
from winnow.events.errors import ContractError
from winnow.events.event import Event, decode_event, encode_event
from winnow.events.limits import MAX_EVENT_BYTES, MAX_SEQUENCE, MAX_THUMBNAIL_BYTES
from winnow.events.thumbnail import Thumbnail
from winnow.events.topics import events_topic, parse_upward_topic, thumbnails_topic

EVENT_CONTENT_TYPE: Final = "application/cloudevents+json"
THUMBNAIL_CONTENT_TYPE: Final = "image/jpeg"
_EPOCH: Final = re.compile(r"[0-9a-z-]{1,40}")
_SEQUENCE: Final = re.compile(r"[0-9]{1,10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttMessage:
    """One PUBLISH, free of any client library.

    Attributes:
        content_type: empty if the topic says it all.
        user_properties: name and value pairs. An event's carry `epoch` and `sequence`, so that even one whose
            payload cannot be read gets a receipt; a thumbnail's carry all of its attributes.
    """

    topic: str
    payload: bytes
    content_type: str
    user_properties: tuple[tuple[str, str], ...]


def to_mqtt(message: Event | Thumbnail) -> MqttMessage:
    """Return the PUBLISH that carries an event (JSON) or a thumbnail (binary mode)."""
    if isinstance(message, Thumbnail):
        return MqttMessage(
            topic=thumbnails_topic(message.node, message.camera),
            payload=message.jpeg,
            content_type=THUMBNAIL_CONTENT_TYPE,
            user_properties=tuple(attributes_of(message).items()),
        )
    recorded = message.recorded
    position = (("epoch", recorded.epoch), ("sequence", str(recorded.sequence))) if recorded else ()
    return MqttMessage(
        topic=events_topic(message.node, message.camera),
        payload=encode_event(message),
        content_type=EVENT_CONTENT_TYPE,
        user_properties=position,
    )


def from_mqtt(topic: str, payload: bytes, user_properties: Iterable[tuple[str, str]]) -> Event | Thumbnail:
    """Return the event or thumbnail of a PUBLISH on an `events` or `thumbnails` topic, everything checked.

    Raises:
        ContractError: it breaks the contract, or claims a source that is not its topic's (`identity`), or was
            never accepted by a spool.
    """
    node, stream, camera = parse_upward_topic(topic)
    if len(payload) > (MAX_THUMBNAIL_BYTES if stream == "thumbnails" else MAX_EVENT_BYTES):
        raise ContractError("size", f"{stream}: payload of {len(payload)} bytes is too large")
    message = message_of(dict(user_properties), payload) if stream == "thumbnails" else decode_event(payload)
    if isinstance(message, Thumbnail) != (stream == "thumbnails"):
        raise ContractError("schema", f"{message.type} does not belong on {topic}")
    if (message.node, message.camera) != (node, camera):
        raise ContractError("identity", f"source {message.source} on topic {topic}")
    if message.recorded is None:
        raise ContractError("schema", "epoch, sequence and recordedtime are missing")
    return message


def is_epoch(text: str) -> bool:
    """Return whether an epoch may look like this."""
    return _EPOCH.fullmatch(text) is not None


def position_of(user_properties: Iterable[tuple[str, str]]) -> tuple[str, int] | None:
    """Return epoch and sequence from the user properties, None if they are not there or make no sense.

    What they name is receipted even if the payload is refused.
    """
    properties = dict(user_properties)
    epoch, sequence = properties.get("epoch", ""), properties.get("sequence", "")
    if not (_EPOCH.fullmatch(epoch) and _SEQUENCE.fullmatch(sequence) and 1 <= int(sequence) <= MAX_SEQUENCE):
        return None
    return epoch, int(sequence)

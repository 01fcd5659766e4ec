"""What really goes out: the bytes of every PUBLISH, by camera.

A batch belongs to several cameras. Images are their own camera's; what all share, the compressed JSON and the packet
around it, is split by the length of each message's JSON before compression.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Final

from winnow.events import Receipt
from winnow.events.mqtt import THUMBNAIL_CONTENT_TYPE, MqttMessage
from winnow.events.topics import parse_upward_topic
from winnow.pipeline.delivery.aliases import Alias

_VARINT_BITS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBytes:
    """Bytes of PUBLISH packets since the process started: fixed header, topic, properties and payload.

    Attributes:
        events: of events, sent for the first time by this process.
        thumbnails: of thumbnails, likewise.
        resent: of both, when they were sent again for want of a receipt or after a lost connection.
    """

    events: int = 0
    thumbnails: int = 0
    resent: int = 0

    @property
    def total(self) -> int:
        """All of it."""
        return self.events + self.thumbnails + self.resent


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one message takes of a packet; `camera` is None for the node's own events."""

    camera: str | None
    is_thumbnail: bool
    size_bytes: int


class WireTally:
    """Sums by camera; one thread notes, any may read."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sent: dict[str | None, SentBytes] = {}
        self._unreceipted: set[int] = set()

    def note(self, sequence: int, share: Share) -> None:
        """Add what a message took of a packet that was handed to the network; again, if it was sent before."""
        with self._lock:
            known = self._sent.get(share.camera, SentBytes())
            if sequence in self._unreceipted:
                now = replace(known, resent=known.resent + share.size_bytes)
            elif share.is_thumbnail:
                now = replace(known, thumbnails=known.thumbnails + share.size_bytes)
            else:
                now = replace(known, events=known.events + share.size_bytes)
            self._sent[share.camera] = now
            self._unreceipted.add(sequence)

    def forget(self, receipt: Receipt) -> None:
        """Note what has its receipt and is not sent again."""
        with self._lock:
            gone = {sequence for sequence in self._unreceipted if sequence <= receipt.upto}
            self._unreceipted -= gone.union(receipt.also)

    def of(self, camera: str | None) -> SentBytes:
        """Return the sums of a camera, or of the node's own events."""
        with self._lock:
            return self._sent.get(camera, SentBytes())


def publish_bytes(mqtt: MqttMessage, alias: Alias | None = None) -> int:
    """Return the size of the PUBLISH packet at QoS 1. Source: MQTT 5.0, sections 2.1.1, 2.2.2 and 3.3."""
    properties = sum(5 + len(name.encode()) + len(text.encode()) for name, text in mqtt.user_properties)
    if mqtt.content_type:
        properties += 3 + len(mqtt.content_type.encode())
    if alias is not None:
        properties += 3
    topic = 0 if alias is not None and alias.is_known else len(mqtt.topic.encode())
    packet_id = 2
    rest = 2 + topic + packet_id + _varint_bytes(properties) + properties + len(mqtt.payload)
    return 1 + _varint_bytes(rest) + rest


def share_of(mqtt: MqttMessage) -> Share:
    """Return what a message takes that has a packet of its own."""
    _, _, camera = parse_upward_topic(mqtt.topic)
    is_thumbnail = mqtt.content_type == THUMBNAIL_CONTENT_TYPE
    return Share(camera=camera, is_thumbnail=is_thumbnail, size_bytes=publish_bytes(mqtt))


def shares_of_batch(
    messages: Sequence[MqttMessage], batch: MqttMessage, text_bytes: Sequence[int], image_bytes: Sequence[int]
) -> list[Share]:
    """Return what each message takes of a batch; together exactly the packet."""
    common = publish_bytes(batch) - sum(image_bytes)
    total_text = sum(text_bytes)
    shares: list[Share] = []
    text_so_far = given = 0
    for message, text, image in zip(messages, text_bytes, image_bytes, strict=True):
        text_so_far += text
        own = common * text_so_far // total_text - given
        given += own
        _, _, camera = parse_upward_topic(message.topic)
        shares.append(Share(camera=camera, is_thumbnail=image > 0, size_bytes=own + image))
    return shares


def shares_with_alias(shares: Sequence[Share], mqtt: MqttMessage, alias: Alias | None) -> Sequence[Share]:
    """Return the shares of a packet whose topic goes by a number; the largest one gains what that saves."""
    if alias is None:
        return shares
    more_bytes = publish_bytes(mqtt, alias) - publish_bytes(mqtt)
    largest = max(range(len(shares)), key=lambda i: shares[i].size_bytes)
    changed = replace(shares[largest], size_bytes=shares[largest].size_bytes + more_bytes)
    return [*shares[:largest], changed, *shares[largest + 1 :]]


def _varint_bytes(number: int) -> int:
    return max(1, -(-number.bit_length() // _VARINT_BITS))

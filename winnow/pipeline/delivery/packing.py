"""Which messages go out together: pure, but for the compressor.

Theory. What is ready goes at once, all of it in one batch: a rule's event never waits for company. Pictures alone may
wait a moment, because whatever comes next takes them along: half of the bytes around a picture are what a packet of its
own costs. A message that was not receipted, and every one while the broker is wary, goes alone on its own topic, so
that a batch that somebody on the way does not take holds nothing up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from winnow.events.batch import BatchPacker
from winnow.events.limits import MAX_BATCH_BYTES
from winnow.events.mqtt import MqttMessage
from winnow.pipeline.delivery.message import SpooledMessage
from winnow.pipeline.delivery.priority import SendClass
from winnow.pipeline.delivery.wire import Share, share_of, shares_of_batch

BATCHES_OFF_S: Final = 300.0
"""How long messages go singly after a broker has refused a batch: nobody may subscribe to it, or a rule forbids it."""

HEAD_ROOM_BYTES: Final = 1024
"""What a batch may take beside its messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One PUBLISH and the messages in it."""

    mqtt: MqttMessage
    messages: Sequence[SpooledMessage]
    shares: Sequence[Share]
    is_batch: bool


class Packing:
    """Puts one node's messages into packets.

    Args:
        node: the node.
        wait_s: how long pictures may wait for company.
    """

    def __init__(self, node: str, *, wait_s: float) -> None:
        self._node = node
        self._wait_s = wait_s
        self._packer = BatchPacker()
        self._off_until_s = float("-inf")
        self._waits_since_s: float | None = None

    def limit_bytes(self, max_packet_bytes: int | None) -> int:
        """Return how large the messages of one batch may be together, uncompressed."""
        return min(MAX_BATCH_BYTES, max_packet_bytes or MAX_BATCH_BYTES) - HEAD_ROOM_BYTES

    def is_on(self, now_s: float) -> bool:
        """Return whether batches are sent at all."""
        return now_s >= self._off_until_s

    def note_refusal(self, now_s: float) -> None:
        """Send nothing but single messages for a while."""
        self._off_until_s = now_s + BATCHES_OFF_S

    def leaves_at_s(self, messages: Sequence[SpooledMessage], now_s: float) -> float:
        """Return when these messages go if nothing comes that takes them along; `now_s` if they go now."""
        if not messages or any(message.priority.send < SendClass.THUMBNAIL for message in messages):
            self._waits_since_s = None
            return now_s
        if self._waits_since_s is None:
            self._waits_since_s = now_s
        leaves_at_s = self._waits_since_s + self._wait_s
        if leaves_at_s <= now_s:
            self._waits_since_s = None
        return max(leaves_at_s, now_s)

    def packed(self, messages: Sequence[SpooledMessage]) -> Packet:
        """Return the batch of all these messages."""
        singles = [message.mqtt for message in messages]
        batch = self._packer.pack(self._node, singles)
        shares = shares_of_batch(singles, batch.message, batch.text_bytes, batch.image_bytes)
        return Packet(mqtt=batch.message, messages=tuple(messages), shares=shares, is_batch=True)


def single(message: SpooledMessage) -> Packet:
    """Return the packet of one message on its own topic."""
    return Packet(mqtt=message.mqtt, messages=(message,), shares=(share_of(message.mqtt),), is_batch=False)

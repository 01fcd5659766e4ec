"""What messages would take on the way to a broker, packed as the publisher packs them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from winnow.events.topics import batch_topic
from winnow.pipeline.delivery.aliases import TopicAliases
from winnow.pipeline.delivery.message import Message, SpooledMessage, record_all
from winnow.pipeline.delivery.packing import Packing
from winnow.pipeline.delivery.priority import SendClass
from winnow.pipeline.delivery.wire import publish_bytes

if TYPE_CHECKING:
    from datetime import datetime

_EPOCH: Final = "00000000-0000-4000-8000-000000000000"
"""As long as a real one."""

_NUMBERS: Final = 10
"""How many topics Mosquitto keeps numbers for by default."""


class WireEstimate:
    """Bytes of the PUBLISH packets that a node would send, in the time of the messages themselves.

    Args:
        node: the node.
        wait_s: how long a picture waits for an event that takes it along.
    """

    def __init__(self, node: str, *, wait_s: float) -> None:
        self._node = node
        self._wait_s = wait_s
        self._packing = Packing(node, wait_s=wait_s)
        self._aliases = TopicAliases(_NUMBERS, first=batch_topic(node))
        self._waiting: list[SpooledMessage] = []
        self._waits_since: datetime | None = None
        self._sequence = 0
        self._sent_bytes = 0

    def note(self, messages: Sequence[Message]) -> None:
        """Count messages that were accepted together."""
        if not messages:
            return
        at = messages[0].time
        if self._waits_since is not None and (at - self._waits_since).total_seconds() > self._wait_s:
            self._send()
        _, rows = record_all(messages, node=self._node, epoch=_EPOCH, after=self._sequence, at=at)
        self._sequence += len(rows)
        self._waiting += rows
        if any(row.priority.send < SendClass.THUMBNAIL for row in rows):
            self._send()
        elif self._waits_since is None:
            self._waits_since = at

    def total_bytes(self) -> int:
        """Return the bytes of everything so far; what waits goes out now."""
        self._send()
        return self._sent_bytes

    def _send(self) -> None:
        waiting, self._waiting, self._waits_since = self._waiting, [], None
        limit_bytes = self._packing.limit_bytes(None)
        while waiting:
            count, size_bytes = 0, 0
            while count < len(waiting) and (count == 0 or size_bytes + waiting[count].size_bytes <= limit_bytes):
                size_bytes += waiting[count].size_bytes
                count += 1
            mqtt = self._packing.packed(waiting[:count]).mqtt
            self._sent_bytes += publish_bytes(mqtt, self._aliases.take(mqtt.topic))
            del waiting[:count]

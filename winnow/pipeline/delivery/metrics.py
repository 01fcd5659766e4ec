"""What delivery counts: made once a process, on the registry that it serves."""

from collections.abc import Callable
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from winnow.pipeline.delivery.early_steps import REASONS
from winnow.pipeline.delivery.spool import Spool

RefusalReason = Literal["no_subscriber", "not_authorized", "quota", "size", "disconnect", "other"]

REFUSAL_REASONS: Final[tuple[RefusalReason, ...]] = get_args(RefusalReason)


class DeliveryMetrics:
    """Counters and gauges of one node's delivery.

    Attributes:
        accepted: messages that the spool took.
        dropped: messages that were given up, by reason: `space`, `key` (sealed with a key that is lost) and
            `damaged` (all three accepted, and named by a tombstone); never accepted: `full` (no space), `stalled` (the
            disk took nothing for too long), `failed` (it refused), `contract` (a message that no spool may take).
        published: PUBLISH packets with a message for the first time on their connection.
        republished: the same again, for want of a receipt.
        receipted: messages that were deleted on a receipt.
        refused: publishes that the broker answered with an error, by reason; `disconnect`: by ending the connection.
        sent_bytes: bytes of all those PUBLISH packets.
        reconnects: connections after the first.
        connected: 1 while there is a connection.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"winnow_{name}", text, labels, registry=registry)

        self._registry = registry
        self.accepted = counter("accepted_messages", "Messages that the spool took")
        self.dropped = counter("dropped_messages", "Messages that were given up", "reason")
        self.published = counter("published_messages", "Messages published for the first time on a connection")
        self.republished = counter("republished_messages", "Messages published again for want of a receipt")
        self.receipted = counter("receipted_messages", "Messages deleted on a receipt")
        self.refused = counter("refused_messages", "Publishes that the broker answered with an error", "reason")
        self.sent_bytes = counter("sent_bytes", "Bytes of PUBLISH packets with messages")
        self.reconnects = counter("broker_reconnects", "Connections to the broker after the first")
        self.connected = Gauge("winnow_broker_connected", "1 while connected to the broker", registry=registry)
        for refusal in REFUSAL_REASONS:
            self.refused.labels(refusal)
        for reason in (*REASONS, "key", "damaged", "full", "stalled", "failed", "contract"):
            self.dropped.labels(reason)

    def watch(self, spool: Spool) -> None:
        """Show depth and size of the one spool of this process."""
        depth = Gauge("winnow_spool_depth_messages", "Messages that wait for a receipt", registry=self._registry)
        size = Gauge("winnow_spool_size_bytes", "Bytes that wait for a receipt", registry=self._registry)
        depth.set_function(lambda: spool.depth)
        size.set_function(lambda: spool.size_bytes)

    def watch_hand_over(self, waiting: Callable[[], int]) -> None:
        """Show how many messages wait for the disk of this process's one spool."""
        gauge = Gauge("winnow_unaccepted_messages", "Messages that wait for the disk", registry=self._registry)
        gauge.set_function(waiting)

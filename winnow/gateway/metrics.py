"""What a gateway counts."""

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_MESSAGES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class GatewayMetrics:
    """Every metric of one gateway, in a registry of its own.

    Attributes:
        registry: what `/metrics` shows.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.connections = self._counter("connections", "Connections to the broker that were made")
        self.received = self._counter("received_messages", "Messages taken from the broker, repeated ones too")
        self.dropped = self._counter("dropped_messages", "QoS 0 messages given up because too many waited")
        self.stored = self._counter("stored_records", "Records that the destination confirmed", "topic")
        self.refused = self._counter("refused_messages", "Messages that became dead letters", "reason")
        self.security = self._counter("identity_mismatches", "Messages that claimed another node or camera")
        self.reused_places = self._counter(
            "reused_places", "New messages at a place that another one has; counted where records go into a store"
        )
        self.receipts = self._counter("receipts", "Receipts handed to the broker")
        self.retries = self._counter("destination_retries", "Batches that the destination did not confirm")
        self.batch_messages = self._histogram("batch_messages", "Messages in a batch", _MESSAGES)
        self.store_seconds = self._histogram("store_seconds", "Time until a batch was confirmed, retries too", _SECONDS)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"winnow_gateway_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"winnow_gateway_{name}", text, buckets=buckets, registry=self.registry)

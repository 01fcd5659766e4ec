"""An edge's spool and publisher, and somebody who receipts what they send, over one real broker."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from prometheus_client import CollectorRegistry

from winnow.events.mqtt import position_of
from winnow.events.receipts import encode_receipt, receipts_for
from winnow.events.status import NodeStatus, Status, decode_status
from winnow.events.topics import GATEWAY_FILTERS, parse_upward_topic, receipts_topic
from winnow.pipeline.delivery import DeliveryMetrics, Publisher, SpoolOutbox, SqliteSpool, paho_connect
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

WITHIN_S = 20.0
MIB = 1024 * 1024


def eventually(condition: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Return once the condition holds; fail if it does not in time."""
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, f"did not come true within {within_s} s"
        time.sleep(0.01)


class Edge:
    """A spool, its outbox and its publisher."""

    def __init__(self, path: Path, broker: str, node: str, *, retry_s: float = 30.0) -> None:
        settings = MqttSettings(url=f"mqtt://{broker}", keepalive_s=5)
        clock = SystemClock()
        self.registry = CollectorRegistry()
        self.metrics = DeliveryMetrics(self.registry)
        self.spool = SqliteSpool(path, node=node, clock=clock, metrics=self.metrics, max_bytes=64 * MIB)
        self.publisher = Publisher(
            self.spool,
            connect=paho_connect(settings, node=node, version="1.0", clock=clock),
            version="1.0",
            clock=clock,
            metrics=self.metrics,
            first_retry_s=retry_s,
        )
        self.outbox = SpoolOutbox(self.spool, notify=self.publisher.notify, metrics=self.metrics)

    def count(self, name: str, **labels: str) -> float:
        """Return a metric."""
        return self.registry.get_sample_value(f"winnow_{name}", labels) or 0.0


@contextmanager
def running_edge(path: Path, broker: str, node: str, *, retry_s: float = 30.0) -> Iterator[Edge]:
    """Run an edge while the block runs, and stop it without waiting for receipts."""
    edge = Edge(path, broker, node, retry_s=retry_s)
    edge.publisher.start()
    try:
        yield edge
    finally:
        edge.publisher.stop(0.0)
        edge.spool.close()


class Gateway:
    """What the test wants a gateway to be.

    Attributes:
        sends_receipts: whether it answers.
        sequences: how often each sequence arrived.
        topics: on which topics they did, those that came again left out.
        statuses: every status of the node (camera None) and its cameras, in order of arrival.
    """

    def __init__(self, broker: str, node: str, *, sends_receipts: bool = True) -> None:
        self.sends_receipts = sends_receipts
        self.sequences: Counter[int] = Counter()
        self.topics: Counter[str] = Counter()
        self.statuses: list[tuple[str | None, Status]] = []
        self._node = node
        self._subscribed = threading.Event()
        settings = MqttSettings(url=f"mqtt://{broker}")
        self._client = new_client(settings, client_id=f"gateway-{node}")
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(*settings.address, clean_start=False, properties=connect_properties(session_expiry_s=3600))

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._subscribed.wait(WITHIN_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def receipt(self, epoch: str, *sequences: int) -> None:
        """Send a receipt."""
        for receipt in receipts_for(epoch, sequences):
            self._client.publish(receipts_topic(self._node), encode_receipt(receipt), qos=1)

    def node_states(self) -> list[str]:
        """Return the node's states in order of arrival."""
        return [status.state for _, status in self.statuses if isinstance(status, NodeStatus)]

    def _on_connect(self, client: Client, *_: object) -> None:
        client.subscribe([(topic.replace("+", self._node, 1), 1) for topic in GATEWAY_FILTERS])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        _, stream, camera = parse_upward_topic(message.topic)
        if stream == "status":
            self.statuses.append((camera, decode_status(bytes(message.payload), camera)))
            return
        position = position_of(getattr(message.properties, "UserProperty", ()))
        assert position is not None
        epoch, sequence = position
        if sequence not in self.sequences:
            self.topics[message.topic] += 1
        self.sequences[sequence] += 1
        if self.sends_receipts:
            self.receipt(epoch, sequence)

"""A certificate is renewed while the edge is connected and busy: a new connection, and nothing else changes."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.security.client import SecurityClient, eventually, tls_of
from tests.security.production_broker import ProductionBroker
from winnow.cli.certificates import Authority
from winnow.events.event import decode_event
from winnow.events.receipts import encode_receipt, receipts_for
from winnow.events.status import decode_status
from winnow.events.topics import node_status_topic, receipts_topic
from winnow.pipeline.delivery import DeliveryMetrics, Publisher, SpoolOutbox, SqliteSpool, paho_connect
from winnow.pipeline.delivery.testing import crossing
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import MqttSettings

NODE = "shop-2"


class Edge:
    """Spool and publisher of a node, connected over TLS; without a packing every event is a message."""

    def __init__(self, spool: Path, settings: MqttSettings) -> None:
        clock = SystemClock()
        self.registry = CollectorRegistry()
        metrics = DeliveryMetrics(self.registry)
        self.spool = SqliteSpool(spool, node=NODE, clock=clock, metrics=metrics, max_bytes=64 * 1024 * 1024)
        connect = paho_connect(settings, node=NODE, version="1.0", clock=clock)
        self.publisher = Publisher(self.spool, connect=connect, version="1.0", clock=clock, metrics=metrics)
        self.outbox = SpoolOutbox(self.spool, notify=self.publisher.notify, metrics=metrics)

    def count(self, name: str) -> float:
        """Return a metric."""
        return self.registry.get_sample_value(f"winnow_{name}") or 0.0


@pytest.fixture
def edge(tmp_path: Path, broker: ProductionBroker, authority: Path) -> Iterator[Edge]:
    """Return a running edge."""
    settings = MqttSettings(url=f"mqtts://localhost:{broker.port}", tls=tls_of(authority, NODE))
    made = Edge(tmp_path / "spool.sqlite", settings)
    made.publisher.start()
    assert eventually(lambda: made.publisher.is_connected)
    yield made
    made.publisher.stop(0.0)
    made.spool.close()


class LateGateway:
    """Receipts every event 150 ms after it came: some receipts fall into any gap between two connections."""

    def __init__(self, broker: ProductionBroker, authority: Path) -> None:
        self._client = SecurityClient(broker.port, tls_of(authority, "gateway"))
        self._client.subscribe(f"winnow/v1/{NODE}/events/#")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        done = 0
        while not self._stopping.wait(0.005):
            ready = len(self._client.delivered)
            self._stopping.wait(0.15)
            for _, payload in self._client.delivered[done:ready]:
                recorded = decode_event(payload).recorded
                assert recorded is not None
                for receipt in receipts_for(recorded.epoch, [recorded.sequence]):
                    self._client.publish(receipts_topic(NODE), encode_receipt(receipt))
            done = ready

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join()
        self._client.close()


def renew(authority: Path, *, with_new_key: bool) -> None:
    """Renew the node's certificate in the very files that the edge reads."""
    Authority(authority).renew(NODE, datetime.now(UTC), with_new_key=with_new_key)


@pytest.mark.parametrize("with_new_key", [False, True])
def test_renewed_certificate_is_taken_up_without_losing_session_or_event(
    edge: Edge,
    broker: ProductionBroker,
    authority: Path,
    witness: SecurityClient,
    with_new_key: bool,  # noqa: FBT001
) -> None:
    """One new connection; no event is sent twice, no receipt is missed, and nobody hears that the node was away."""
    gateway = LateGateway(broker, authority)
    line = f"as {NODE} (p5"
    before = broker.log().count(line)
    number = 0
    renew_at, until = 20, 600
    while edge.count("broker_reconnects_total") == 0 and number < until:
        number += 1
        edge.outbox.accept([crossing(number, node=NODE)])
        if number == renew_at:
            renew(authority, with_new_key=with_new_key)
        time.sleep(0.01)
    for _ in range(20):
        number += 1
        edge.outbox.accept([crossing(number, node=NODE)])
    # The gateway waits for an answer to each receipt, which takes its time on a busy machine; an event whose receipt
    # was missed would be sent again, and counted.
    assert eventually(lambda: edge.spool.depth == 0, within_s=90)
    gateway.close()
    assert (edge.count("broker_reconnects_total"), edge.count("republished_messages_total")) == (1, 0)
    assert broker.log().count(line) == before + 1
    told = [decode_status(payload, None) for topic, payload in witness.delivered if topic == node_status_topic(NODE)]
    assert {status.state for status in told} == {"online"}


def test_certificate_without_its_key_changes_nothing(
    edge: Edge, authority: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """While only half of a renewal is there, the connection stays as it is, and the log says why."""
    path = authority / NODE / "certificate.pem"
    whole = path.read_bytes()
    path.write_bytes((authority / "shop-1" / "certificate.pem").read_bytes())
    try:
        assert eventually(lambda: "A changed certificate cannot be used; the old one stays" in caplog.messages)
        assert edge.publisher.is_connected
        assert edge.count("broker_reconnects_total") == 0
    finally:
        path.write_bytes(whole)

"""The gateway as the demo runs it: on the embedded broker, straight into SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.gateway_bench import EdgeClient, GatewayProcess, eventually, recorded_event
from winnow.cloud_sink.store import EventFilter, open_store
from winnow.events.mqtt import to_mqtt
from winnow.runtime.embedded_broker import EmbeddedBroker

EVENTS = range(1, 1001)


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    """Return a running embedded broker."""
    with EmbeddedBroker() as running:
        yield running


def test_every_event_is_stored_once_though_the_gateway_was_killed(
    broker: EmbeddedBroker, tmp_path: Path, unique_name: str
) -> None:
    """SIGKILL in the middle of 1000 events: started again, it gets the rest, and SQLite holds each exactly once."""
    url = f"sqlite:///{tmp_path}/events.db"
    gateway = GatewayProcess(
        tmp_path, mqtt=broker.address, destination=f"destination: {url}", client_id="winnow-gateway"
    )
    gateway.start()
    edge = EdgeClient(broker.address, unique_name)
    try:
        edge.publish(*(to_mqtt(recorded_event(unique_name, sequence)) for sequence in EVENTS[:500]))
        assert eventually(lambda: len(edge.receipted) > 100)
        gateway.kill()
        edge.publish(*(to_mqtt(recorded_event(unique_name, sequence)) for sequence in EVENTS[500:]))
        gateway.start()
        assert eventually(lambda: edge.has_receipts_for(EVENTS)), f"{len(edge.receipted)} of {len(EVENTS)}"
        assert gateway.terminate()[0] == 0
    finally:
        edge.close()
        gateway.close()
    store = open_store(url, create=False)
    try:
        stored = store.events(EventFilter(nodes=(unique_name,)), limit=2 * len(EVENTS))
    finally:
        store.close()
    assert [event.sequence for event in stored] == sorted(EVENTS)

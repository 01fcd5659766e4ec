"""The gateway while Kafka or the broker is away: nothing is lost, memory stays, SIGTERM is heard in every state."""

import asyncio
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.services import KafkaServer, MosquittoServer, ServerMissing
from tests.broker.gateway_bench import EdgeClient, GatewayProcess, eventually, recorded_event, records_of
from winnow.events.kafka import from_kafka, to_kafka
from winnow.events.mqtt import to_mqtt
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.kafka_destination import KafkaDestination
from winnow.gateway.settings import KafkaOutSettings
from winnow.runtime.errors import DestinationError

pytestmark = pytest.mark.broker

STOPS_WITHIN_S = 10.0
QUICK = "timeout_s: 3"
"""A producer that gets no answer is replaced after this time: the tests shall see it happen."""


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaServer]:
    """Return a Kafka that a test may stop; it leaves it running."""
    try:
        with KafkaServer() as server:
            yield server
    except ServerMissing as exc:
        pytest.skip(str(exc))


@pytest.fixture
def own_mqtt() -> Iterator[MosquittoServer]:
    """Return a Mosquitto of the test's own."""
    with MosquittoServer() as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path, own_mqtt: MosquittoServer, own_kafka: KafkaServer) -> Iterator[GatewayProcess]:
    """Return a running gateway between the two."""
    kafka = f"kafka: {{bootstrap_servers: '127.0.0.1:{own_kafka.port}', {QUICK}}}"
    process = GatewayProcess(tmp_path, mqtt=f"127.0.0.1:{own_mqtt.port}", destination=kafka, client_id="winnow-gateway")
    process.start()
    yield process
    process.close()


@pytest.fixture
def edge(own_mqtt: MosquittoServer, unique_name: str) -> Iterator[EdgeClient]:
    """Return a node's client."""
    client = EdgeClient(f"127.0.0.1:{own_mqtt.port}", unique_name)
    yield client
    client.close()


def _publish(edge: EdgeClient, sequences: range) -> None:
    edge.publish(*(to_mqtt(recorded_event(edge.node, sequence)) for sequence in sequences))


def _stored_ids(kafka: KafkaServer, node: str) -> set[str]:
    records = records_of(f"127.0.0.1:{kafka.port}", KAFKA_EVENTS, f"{node}/")
    return {from_kafka(record.value, record.headers).id for record in records}


def _ids(edge: EdgeClient, sequences: range) -> set[str]:
    return {recorded_event(edge.node, sequence).id for sequence in sequences}


def test_without_kafka_there_is_no_receipt_and_no_puback(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaServer
) -> None:
    """What came while Kafka was dead is neither receipted nor acknowledged: a second gateway gets all of it again."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_kafka.kill()
    _publish(edge, range(11, 51))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 1)
    assert gateway.health()["ok"] is False
    assert edge.receipted == set(range(1, 11))
    gateway.kill()
    own_kafka.start()
    gateway.start()
    assert eventually(lambda: edge.has_receipts_for(range(1, 51))), gateway.log()
    assert _stored_ids(own_kafka, edge.node) == _ids(edge, range(1, 51))


@pytest.mark.parametrize("way", ["killed", "frozen"])
def test_kafka_comes_back_and_the_same_gateway_delivers(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaServer, way: str
) -> None:
    """The producer that was in doubt is replaced; every event that waited arrives, and new ones do."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_kafka.kill() if way == "killed" else own_kafka.pause()
    _publish(edge, range(11, 301))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 2)
    own_kafka.start() if way == "killed" else own_kafka.resume()
    assert eventually(lambda: edge.has_receipts_for(range(1, 301))), gateway.log()
    _publish(edge, range(301, 311))
    assert eventually(lambda: edge.has_receipts_for(range(301, 311)), within_s=5)
    assert _stored_ids(own_kafka, edge.node) == _ids(edge, range(1, 311))


def test_producer_that_got_no_answer_is_replaced(own_kafka: KafkaServer, unique_name: str) -> None:
    """A frozen Kafka means an error in time and no producer any more; the next attempt makes one and succeeds."""
    settings = KafkaOutSettings(bootstrap_servers=f"127.0.0.1:{own_kafka.port}", timeout_s=2)
    destination = KafkaDestination(settings, max_batch_bytes=256 * 1024)
    records = [to_kafka(recorded_event(unique_name, 1))]

    async def store_around_a_freeze() -> tuple[float, bool]:
        await destination.start()
        await destination.store(records)
        own_kafka.pause()
        began_s = time.monotonic()
        try:
            with pytest.raises(DestinationError, match="did not confirm"):
                await destination.store(records)
            took_s, replaced = time.monotonic() - began_s, destination._producer is None
        finally:
            own_kafka.resume()
        await destination.store(records)
        await destination.stop()
        return took_s, replaced

    took_s, replaced = asyncio.run(store_around_a_freeze())
    assert replaced
    assert took_s < 2 + 3 + 1
    assert _stored_ids(own_kafka, unique_name) == {recorded_event(unique_name, 1).id}


def test_memory_is_bounded_while_kafka_is_away(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaServer
) -> None:
    """Of 3000 events of 10 KB, 30 MB in all, the gateway holds no more than the broker's window."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_kafka.kill()
    before_bytes = gateway.memory_bytes()
    large = [to_mqtt(recorded_event(edge.node, sequence)) for sequence in range(11, 3011)]
    edge.publish(*(replace(one, payload=one.payload + b" " * 10_000) for one in large))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 2)
    assert gateway.memory_bytes() - before_bytes < 12 * 1024 * 1024
    own_kafka.start()
    assert eventually(lambda: edge.has_receipts_for(range(1, 3011)), within_s=60), len(edge.receipted)


@pytest.mark.parametrize("wipe", [False, True], ids=["kept", "wiped"])
def test_gateway_subscribes_again_after_the_broker_was_killed(
    gateway: GatewayProcess, edge: EdgeClient, own_mqtt: MosquittoServer, *, wipe: bool
) -> None:
    """A broker that has forgotten the session is no matter: what is published afterwards arrives."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_mqtt.restart(wipe=wipe)
    assert eventually(lambda: gateway.metric("connections_total") >= 2)
    assert eventually(lambda: _receipted_when_sent_again(edge), within_s=60), gateway.log()


def _receipted_when_sent_again(edge: EdgeClient) -> bool:
    """Publish one event as an edge does that waits for its receipt, and look."""
    _publish(edge, range(11, 12))
    return eventually(lambda: edge.has_receipts_for([11]), within_s=3)


def test_sigterm_ends_an_idle_gateway_at_once(gateway: GatewayProcess) -> None:
    """Exit code 0, after a goodbye to the broker."""
    code, took_s = gateway.terminate()
    assert code == 0
    assert took_s < 3


def test_sigterm_is_heard_while_kafka_is_away(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaServer
) -> None:
    """With a batch in its hands that nobody takes, it ends in time; the batch comes again."""
    own_kafka.pause()
    _publish(edge, range(1, 4))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 1)
    code, took_s = gateway.terminate()
    own_kafka.resume()
    assert code == 0
    assert took_s < STOPS_WITHIN_S
    gateway.start()
    assert eventually(lambda: edge.has_receipts_for([1, 2, 3])), gateway.log()


def test_sigterm_is_heard_while_broker_and_kafka_are_silent(tmp_path: Path) -> None:
    """Listeners that accept and never answer, as behind a broken load balancer, do not keep the process."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        gateway = GatewayProcess(
            tmp_path, mqtt=address, destination=f"destination: kafka://{address}", client_id="winnow-gateway"
        )
        gateway.start(wait=False)
        try:
            assert eventually(lambda: bool(gateway.health()))
            assert gateway.health()["ok"] is False
            _, took_s = gateway.terminate()
            assert took_s < STOPS_WITHIN_S
        finally:
            gateway.close()

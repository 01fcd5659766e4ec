"""The gateway while Kafka or the broker is away, or hangs: nothing is lost or doubled, and SIGTERM is heard at once."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.services import KafkaServer, MosquittoServer, free_port
from tests.broker.gateway_bench import EdgeClient, GatewayProcess, eventually, recorded_event, records_of
from tests.broker.test_sink_kafka import SinkProcess
from tests.end_to_end.installation import made
from tests.end_to_end.kafka_topics import waiting_in_kafka
from tests.end_to_end.processes import CHECKOUT
from tests.faults.proxy import TcpProxy
from tests.faults.scale import SCALE
from winnow.cloud_sink.settings import MetricsSettings, SinkSettings, StoreSettings
from winnow.cloud_sink.store import EventFilter, open_store
from winnow.events.kafka import from_kafka
from winnow.events.mqtt import to_mqtt
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.kafka_destination import CLOSE_WITHIN_S
from winnow.runtime.kafka import KafkaSettings

pytestmark = [pytest.mark.broker, pytest.mark.timeout(180)]

STOPS_WITHIN_S = 10.0
GIVEN_UP, CONNECTED = "gave a Kafka producer up", "connected to Kafka"
QUICK_S = 2
"""A producer that gets no answer is replaced after this time: the tests shall see it happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaBehindLine:
    """A Kafka that clients reach over a line only.

    Attributes:
        server: can be killed and frozen.
        line: can swallow what is said.
    """

    server: KafkaServer
    line: TcpProxy

    @property
    def address(self) -> str:
        """Return where clients find it."""
        return self.line.address

    def jam(self, way: str) -> None:
        """Let nothing be answered any more."""
        self.server.pause() if way == "frozen" else self.line.black_hole()

    def heal(self, way: str) -> None:
        """Let it answer again."""
        self.server.resume() if way == "frozen" else self.line.heal()


@pytest.fixture(scope="module")
def own_kafka() -> Iterator[KafkaBehindLine]:
    """Return a Kafka that a test may stop; it leaves it running."""
    port = free_port()
    with TcpProxy(port) as line:
        advertised = {"advertised.listeners": f"BROKER://{line.address}"}
        with made(lambda: KafkaServer(port=port, settings=advertised)) as server:
            assert isinstance(server, KafkaServer)
            yield KafkaBehindLine(server=server, line=line)


@pytest.fixture
def own_mqtt() -> Iterator[MosquittoServer]:
    """Return a Mosquitto of the test's own."""
    with MosquittoServer() as server:
        yield server


def to(kafka: str, timeout_s: float | None = QUICK_S) -> str:
    """Return the section of settings that names a Kafka; None leaves the time as it is by default."""
    limit = "" if timeout_s is None else f", timeout_s: {timeout_s}"
    return f"kafka: {{bootstrap_servers: '{kafka}'{limit}}}"


@pytest.fixture
def gateway(tmp_path: Path, own_mqtt: MosquittoServer, own_kafka: KafkaBehindLine) -> Iterator[GatewayProcess]:
    """Return a running gateway between the two."""
    section = to(own_kafka.address)
    process = GatewayProcess(tmp_path, mqtt=own_mqtt.address, destination=section, client_id="winnow-gateway")
    process.start()
    yield process
    process.close()


@pytest.fixture
def edge(own_mqtt: MosquittoServer, unique_name: str) -> Iterator[EdgeClient]:
    """Return a node's client."""
    client = EdgeClient(own_mqtt.address, unique_name)
    yield client
    client.close()


def _publish(edge: EdgeClient, sequences: range) -> None:
    edge.publish(*(to_mqtt(recorded_event(edge.node, sequence)) for sequence in sequences))


def _stored_ids(kafka: KafkaBehindLine, node: str) -> set[str]:
    records = records_of(kafka.address, KAFKA_EVENTS, f"{node}/")
    return {from_kafka(record.value, record.headers).id for record in records}


def _ids(edge: EdgeClient, sequences: range) -> set[str]:
    return {recorded_event(edge.node, sequence).id for sequence in sequences}


def test_without_kafka_there_is_no_receipt_and_no_puback(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaBehindLine
) -> None:
    """What came while Kafka was dead is neither receipted nor acknowledged: a second gateway gets all of it again."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_kafka.server.kill()
    _publish(edge, range(11, 51))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 1)
    assert gateway.health()["ok"] is False
    assert edge.receipted == set(range(1, 11))
    gateway.kill()
    own_kafka.server.start()
    gateway.start()
    assert eventually(lambda: edge.has_receipts_for(range(1, 51))), gateway.log()
    assert _stored_ids(own_kafka, edge.node) == _ids(edge, range(1, 51))


def test_kafka_that_was_killed_comes_back_and_the_same_gateway_delivers(
    gateway: GatewayProcess, edge: EdgeClient, own_kafka: KafkaBehindLine
) -> None:
    """The producer that was in doubt is replaced; every event that waited arrives, and new ones do."""
    _publish(edge, range(1, 11))
    assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
    own_kafka.server.kill()
    _publish(edge, range(11, 301))
    assert eventually(lambda: gateway.metric("destination_retries_total") >= 2)
    own_kafka.server.start()
    assert eventually(lambda: edge.has_receipts_for(range(1, 301))), gateway.log()
    _publish(edge, range(301, 311))
    assert eventually(lambda: edge.has_receipts_for(range(301, 311)), within_s=5)
    assert _stored_ids(own_kafka, edge.node) == _ids(edge, range(1, 311))


@pytest.mark.parametrize("way", ["frozen", "black hole"])
def test_jammed_producer_is_replaced_and_what_it_held_is_produced_again(  # noqa: PLR0913, PLR0917 - the parts
    tmp_path: Path,
    own_mqtt: MosquittoServer,
    own_kafka: KafkaBehindLine,
    edge: EdgeClient,
    unique_name: str,
    way: str,
) -> None:
    """Within 30 s by the default settings, which the full set waits for. The store then holds each event once."""
    replaced_within_s = 30.0 if SCALE.is_full else QUICK_S + CLOSE_WITHIN_S + 4
    section = to(own_kafka.address, None if SCALE.is_full else QUICK_S)
    gateway = GatewayProcess(tmp_path, mqtt=own_mqtt.address, destination=section, client_id="winnow-gateway")
    gateway.start()
    try:
        _publish(edge, range(1, 11))
        assert eventually(lambda: edge.has_receipts_for(range(1, 11)))
        own_kafka.jam(way)
        jammed_at_s = time.monotonic()
        _publish(edge, range(11, 301))
        assert eventually(lambda: GIVEN_UP in gateway.log(), within_s=replaced_within_s)
        took_s = time.monotonic() - jammed_at_s
        assert took_s > 0.9 * (20 if SCALE.is_full else QUICK_S), "given up before its time"
        assert gateway.log().count(CONNECTED) == 1
        assert edge.receipted == set(range(1, 11))
        own_kafka.heal(way)
        assert eventually(lambda: edge.has_receipts_for(range(1, 301))), gateway.log()
        assert gateway.log().count(CONNECTED) == 2
        assert _stored_once(own_kafka, tmp_path, edge.node, unique_name) == list(range(1, 301))
    finally:
        own_kafka.heal(way)
        gateway.close()


def _stored_once(kafka: KafkaBehindLine, folder: Path, node: str, group: str) -> list[int]:
    """Return the sequences of the node's rows, one a row, in a store that a sink has filled from all of Kafka."""
    url = f"sqlite:///{folder}/events.db"
    settings = SinkSettings(
        kafka=KafkaSettings(bootstrap_servers=kafka.address),
        group=group,
        store=StoreSettings(url=url),
        metrics=MetricsSettings(port=0),
    )
    with closing(open_store(url)) as store:
        sink = SinkProcess(settings, folder)
        try:
            assert eventually(lambda: not waiting_in_kafka(kafka.address, store.offsets())), sink.log.read_text()
            return sorted(event.sequence for event in store.events(EventFilter(nodes=(node,)), limit=10_000))
        finally:
            sink.process.kill()
            sink.process.wait()


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


class Fleet:
    """Gateways by the state in which SIGTERM shall find them; a context manager that leaves none running."""

    def __init__(self, folder: Path, mqtt: str) -> None:
        self._folder = folder
        self._mqtt = mqtt
        self._waiting = ThreadPoolExecutor(max_workers=16)
        self.gateways: dict[str, GatewayProcess] = {}
        self.ended: dict[str, Future[tuple[int, float]]] = {}

    def start(self, state: str, destination: str, *, mqtt: str | None = None) -> GatewayProcess:
        """Start one, and do not wait for it."""
        folder = self._folder / state.replace(" ", "-")
        folder.mkdir()
        name = f"gateway-{len(self.gateways)}"
        one = GatewayProcess(folder, mqtt=mqtt or self._mqtt, destination=destination, client_id=name)
        self.gateways[state] = one
        one.start(wait=False)
        return one

    def end(self, *states: str) -> None:
        """Send SIGTERM; how long it takes is seen at the end."""
        for state in states:
            self.ended[state] = self._waiting.submit(self.gateways[state].terminate)

    def close(self) -> None:
        """Leave nothing running."""
        self._waiting.shutdown()
        for one in self.gateways.values():
            one.close()


@contextmanager
def silent() -> Iterator[str]:
    """Yield the address of a listener that accepts and never answers, as behind a broken load balancer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_sigterm_ends_a_gateway_in_time_whatever_it_waits_for(
    tmp_path: Path, own_mqtt: MosquittoServer, own_kafka: KafkaBehindLine, edge: EdgeClient
) -> None:
    """Idle, loaded, without Kafka or broker, connecting to either, rebuilding: exit code 0, and nothing is lost."""
    usual, patient = to(own_kafka.address), to(own_kafka.address, None)
    with ExitStack() as stack:
        doomed, nobody = stack.enter_context(MosquittoServer()), stack.enter_context(silent())
        fleet = stack.enter_context(closing(Fleet(tmp_path, own_mqtt.address)))
        for state in ("idle", "under load", "producer being rebuilt", "Kafka gone"):
            fleet.start(state, usual)
        fleet.start("Kafka hanging", patient)
        fleet.start("broker gone", usual, mqtt=doomed.address)
        fleet.start("connecting to both", f"destination: kafka://{nobody}", mqtt=nobody)
        fleet.start("connecting to the broker", usual, mqtt=nobody)
        started = {state: one for state, one in fleet.gateways.items() if not state.startswith("connecting")}
        assert eventually(lambda: all(one.health().get("ok") for one in started.values()))
        assert eventually(lambda: all(bool(one.health()) for one in fleet.gateways.values()))

        doomed.kill()
        fleet.end("idle")
        command = [sys.executable, "-m", "winnow.cli", "loadgen", "--url", f"mqtt://{own_mqtt.address}"]
        with subprocess.Popen([*command, "--rate", "500", "--duration", "5"], cwd=CHECKOUT, stderr=subprocess.DEVNULL):
            loaded = fleet.gateways["under load"]
            assert eventually(lambda: loaded.metric("received_messages_total") > 200)
            fleet.end("under load")
        assert eventually(lambda: fleet.gateways["broker gone"].health().get("mqtt_connected") is False)
        fleet.end("broker gone", "connecting to both", "connecting to the broker")

        own_kafka.jam("frozen")
        try:
            _publish(edge, range(1, 4))
            connecting = fleet.start("connecting to Kafka", patient)
            rebuilding, hanging = fleet.gateways["producer being rebuilt"], fleet.gateways["Kafka hanging"]
            assert eventually(lambda: rebuilding.metric("destination_retries_total") >= 1)
            assert eventually(lambda: connecting.health().get("mqtt_connected") is True)
            assert hanging.metric("destination_retries_total") == 0, "it still waits for its first answer"
            fleet.end("producer being rebuilt", "Kafka hanging", "connecting to Kafka")
        finally:
            own_kafka.server.kill()
        gone = fleet.gateways["Kafka gone"]
        known = gone.metric("destination_retries_total")
        assert eventually(lambda: gone.metric("destination_retries_total") > known)
        fleet.end("Kafka gone")
        told = {state: ended.result() for state, ended in fleet.ended.items()}
        own_kafka.server.start()
        assert set(told) == set(fleet.gateways)
        assert {state: code for state, (code, _) in told.items() if code != 0} == {}
        assert {state: took_s for state, (_, took_s) in told.items() if took_s > STOPS_WITHIN_S} == {}
        gone.start()
        assert eventually(lambda: edge.has_receipts_for([1, 2, 3])), gone.log()

"""Servers that a test starts itself can be killed and come back on the same port, with or without their memory."""

from collections.abc import Iterator

import paho.mqtt.client as mqtt
import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from paho.mqtt.enums import CallbackAPIVersion

from scripts.services import KafkaServer, LocalServer, MosquittoServer, PostgresServer, ServerDidNotStart, ServerMissing

TIMEOUT_S = 20


def started(server_class: type[LocalServer]) -> Iterator[LocalServer]:
    """Start a server of the test's own, or skip the test where its program is missing."""
    try:
        server = server_class()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with server:
        yield server


@pytest.fixture
def mosquitto() -> Iterator[LocalServer]:
    """Return a running broker of this test's own."""
    yield from started(MosquittoServer)


@pytest.fixture
def kafka() -> Iterator[LocalServer]:
    """Return a running Kafka of this test's own."""
    yield from started(KafkaServer)


@pytest.fixture
def postgres() -> Iterator[LocalServer]:
    """Return a running database server of this test's own."""
    yield from started(PostgresServer)


def test_killed_postgresql_keeps_what_it_committed_and_wiped_forgets_it(postgres: LocalServer) -> None:
    """A committed row survives SIGKILL; a wiped server on the same address does not know its table."""
    address, first_pid = postgres.address, postgres.pid
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (7)")

    postgres.restart()

    assert (postgres.address, postgres.pid == first_pid) == (address, False)
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(7,)]

    postgres.restart(wipe=True)

    with psycopg.connect(address) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT value FROM kept")


def test_killed_kafka_keeps_what_it_acknowledged_and_wiped_forgets_it(kafka: LocalServer) -> None:
    """An acknowledged record survives SIGKILL; a wiped Kafka on the same address does not know its topic."""
    admin = AdminClient({"bootstrap.servers": kafka.address})
    admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(TIMEOUT_S)
    producer = Producer({"bootstrap.servers": kafka.address, "acks": "all"})
    producer.produce("kept", b"record")
    assert producer.flush(TIMEOUT_S) == 0

    kafka.restart()

    assert _first_record(kafka.address, "kept") == b"record"

    kafka.restart(wipe=True)

    topics = AdminClient({"bootstrap.servers": kafka.address}).list_topics(timeout=TIMEOUT_S).topics
    assert "kept" not in topics


def test_stopped_mosquitto_keeps_retained_messages_and_wiped_forgets_them(mosquitto: LocalServer) -> None:
    """A retained message survives an orderly stop, and is gone after a wipe."""
    _publish_retained(mosquitto.port, "kept", b"state")

    mosquitto.stop()
    mosquitto.start()

    assert _retained(mosquitto.port) == {"kept": b"state"}

    mosquitto.stop()
    mosquitto.wipe()
    mosquitto.start()

    assert _retained(mosquitto.port) == {}


def test_paused_server_stays_connected_and_answers_nothing_until_resumed(postgres: LocalServer) -> None:
    """SIGSTOP holds a server's answers back; SIGCONT lets them come."""
    postgres.pause()
    assert not postgres.answers()

    postgres.resume()

    assert postgres.answers()


def test_server_that_cannot_start_says_why_in_its_own_words() -> None:
    """A configuration that Mosquitto refuses ends in an error with its last lines, and nothing is left behind."""
    try:
        server = MosquittoServer(settings=["no_such_setting 1"])
    except ServerMissing as missing:
        pytest.skip(str(missing))

    with pytest.raises(ServerDidNotStart, match="no_such_setting"), server:
        pytest.fail("it started")

    assert not server.running
    assert not server.root.exists()


def _first_record(address: str, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": address, "group.id": "reader", "auto.offset.reset": "earliest"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        record = consumer.poll(TIMEOUT_S)
        assert record is not None
        assert record.error() is None
        value = record.value()
        return None if value is None else bytes(value)
    finally:
        consumer.close()


def _publish_retained(port: int, topic: str, payload: bytes) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=True).wait_for_publish(TIMEOUT_S)
    client.disconnect()
    client.loop_stop()


def _retained(port: int) -> dict[str, bytes]:
    """Return every retained message; a marker published last tells that none is still on its way."""
    found: dict[str, bytes] = {}

    def keep(client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.retain:
            found[message.topic] = bytes(message.payload)
        else:
            client.disconnect()

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = keep
    client.connect("127.0.0.1", port)
    client.subscribe("#")
    client.publish("marker")
    client.loop_forever()
    return found

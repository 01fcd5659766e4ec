"""The brokers and the database of these tests are the software that runs in production, not imitations."""

import asyncio
import re
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.admin import AdminClient
from paho.mqtt.enums import CallbackAPIVersion

TIMEOUT_S = 20


def test_mqtt_broker_names_itself_mosquitto_2(mqtt_address: str) -> None:
    """The broker's own version topic says Mosquitto 2."""
    host, _, port = mqtt_address.partition(":")
    answers: list[str] = []
    answered = threading.Event()

    def keep(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        answers.append(message.payload.decode())
        answered.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = keep
    client.connect(host, int(port))
    client.subscribe("$SYS/broker/version")
    client.loop_start()
    try:
        assert answered.wait(TIMEOUT_S)
    finally:
        client.disconnect()
        client.loop_stop()
    assert re.match(r"mosquitto version 2\.\d", answers[0])


def test_kafka_is_an_apache_broker_in_kraft_mode(kafka_address: str, kafka_kind: str) -> None:
    """The cluster describes itself as a real one does: with an id of its own, a controller and a node."""
    if kafka_kind != "apache":
        pytest.skip("Apache Kafka is missing: librdkafka's mock cluster stands in")
    admin = AdminClient({"bootstrap.servers": kafka_address})
    cluster = admin.describe_cluster(request_timeout=TIMEOUT_S).result(TIMEOUT_S)
    assert cluster.controller is not None
    assert not cluster.cluster_id.startswith("mock")
    assert len(cluster.nodes) >= 1


def test_kafka_gives_back_what_was_produced_with_all_acknowledgements(
    kafka_address: str, create_topics: Callable[..., None], unique_name: str
) -> None:
    """A record that was acknowledged by all replicas is read back, key, value and header, by a consumer group."""
    create_topics(unique_name)

    async def round_trip() -> tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]:
        producer = AIOKafkaProducer(bootstrap_servers=kafka_address, acks="all", enable_idempotence=True)
        await producer.start()
        await producer.send_and_wait(unique_name, b"value", key=b"key", headers=[("ce_id", b"1")])
        await producer.stop()
        consumer = AIOKafkaConsumer(
            unique_name, bootstrap_servers=kafka_address, group_id=unique_name, auto_offset_reset="earliest"
        )
        await consumer.start()
        record = await asyncio.wait_for(consumer.getone(), TIMEOUT_S)
        await consumer.stop()
        return record.key, record.value, tuple(record.headers)

    assert asyncio.run(round_trip()) == (b"key", b"value", (("ce_id", b"1"),))


def test_database_is_postgresql(postgres_url: str) -> None:
    """The server names itself PostgreSQL, and keeps durable what it acknowledges."""
    with psycopg.connect(postgres_url) as connection:
        assert _shown(connection, "SELECT version()").startswith("PostgreSQL ")
        assert _shown(connection, "SHOW fsync") == "on"
        assert _shown(connection, "SHOW synchronous_commit") == "on"


def test_database_of_a_test_is_empty_and_its_own(postgres_url: str, unique_name: str) -> None:
    """A test finds an empty database that is named after it alone."""
    with psycopg.connect(postgres_url) as connection:
        assert _shown(connection, "SELECT current_database()") == unique_name
        assert _shown(connection, "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'") == "0"


def _shown(connection: psycopg.Connection, question: str) -> str:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])

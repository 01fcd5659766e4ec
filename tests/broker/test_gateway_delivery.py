"""The gateway between a real Mosquitto and a real Kafka: what arrives, what is refused, and who hears of it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.broker.gateway_bench import EdgeClient, GatewayProcess, eventually, recorded_event, records_of
from winnow.events import Thumbnail
from winnow.events.batch import BatchPacker
from winnow.events.kafka import from_kafka
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.events.status import CameraStatus, encode_status
from winnow.events.thumbnail import sha256_of
from winnow.events.topics import (
    KAFKA_DEADLETTER,
    KAFKA_EVENTS,
    KAFKA_STATUS,
    KAFKA_THUMBNAILS,
    camera_status_topic,
)

JPEG = (
    b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x07\xff\xd9"
)


def _into_kafka(address: str, kind: str, batches: str = "opened") -> str:
    create = "true" if kind == "apache" else "false"
    return f"kafka: {{bootstrap_servers: '{address}', topics: {{create: {create}}}, batches: {batches}}}"


@pytest.fixture
def gateway(
    tmp_path: Path, mqtt_address: str, kafka_address: str, kafka_kind: str, unique_name: str
) -> Iterator[GatewayProcess]:
    """Return a running gateway from the shared broker to the shared Kafka."""
    kafka = _into_kafka(kafka_address, kafka_kind)
    process = GatewayProcess(tmp_path, mqtt=mqtt_address, destination=kafka, client_id=f"gateway-{unique_name}")
    process.start()
    yield process
    process.close()


@pytest.fixture
def edge(mqtt_address: str, unique_name: str) -> Iterator[EdgeClient]:
    """Return a node's client."""
    client = EdgeClient(mqtt_address, unique_name)
    yield client
    client.close()


def test_event_and_thumbnail_become_records_and_are_receipted(
    gateway: GatewayProcess, edge: EdgeClient, kafka_address: str
) -> None:
    """When the receipt is there, Kafka holds the event and the image under the camera's key, attributes as headers."""
    event = recorded_event(edge.node, 1)
    picture = recorded_event(edge.node, 2)
    thumbnail = Thumbnail(
        id=picture.id,
        node=edge.node,
        camera="door",
        subject="person/1",
        time=picture.time,
        event_id=event.id,
        jpeg=JPEG,
        sha256=sha256_of(JPEG),
        recorded=picture.recorded,
    )
    edge.publish(to_mqtt(event), to_mqtt(thumbnail))
    assert eventually(lambda: edge.has_receipts_for([1, 2])), gateway.log()
    (stored,) = records_of(kafka_address, KAFKA_EVENTS, f"{edge.node}/door")
    (image,) = records_of(kafka_address, KAFKA_THUMBNAILS, f"{edge.node}/door")
    assert dict(stored.headers)["ce_type"] == b"winnow.camera.online.v1"
    assert from_kafka(stored.value, stored.headers) == event
    assert from_kafka(image.value, image.headers) == thumbnail
    assert gateway.metric("receipts_total") >= 1


def test_retained_state_reaches_the_compacted_topic(
    gateway: GatewayProcess, edge: EdgeClient, kafka_address: str
) -> None:
    """The last state of a camera is the last record under its key."""
    state = encode_status(CameraStatus(state="degraded", since=recorded_event(edge.node, 1).time, reason="black"))
    topic = camera_status_topic(edge.node, "door")
    edge.publish(MqttMessage(topic=topic, payload=state, content_type="", user_properties=()), retain=True)
    assert eventually(lambda: gateway.metric("received_messages_total") >= 1)
    assert eventually(
        lambda: [record.value for record in records_of(kafka_address, KAFKA_STATUS, edge.node)][-1:] == [state]
    )
    edge.publish(MqttMessage(topic=topic, payload=b"", content_type="", user_properties=()), retain=True)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda message: replace(message, payload=b"{no json"), b"schema"),
        (lambda message: replace(message, payload=message.payload + b" " * MAX_EVENT_BYTES), b"size"),
        (lambda message: replace(message, topic=message.topic.replace("/door", "/back")), b"identity"),
    ],
    ids=["poison", "oversize", "identity"],
)
def test_refused_message_is_a_dead_letter_and_is_receipted(
    gateway: GatewayProcess,
    edge: EdgeClient,
    kafka_address: str,
    spoil: Callable[[MqttMessage], MqttMessage],
    reason: bytes,
) -> None:
    """The bytes are kept as they came, with the reason; the edge gets its receipt, and good events go on."""
    bad = spoil(to_mqtt(recorded_event(edge.node, 1)))
    edge.publish(bad, to_mqtt(recorded_event(edge.node, 2)))
    assert eventually(lambda: edge.has_receipts_for([1, 2])), gateway.log()
    (letter,) = records_of(kafka_address, KAFKA_DEADLETTER, f"winnow/v1/{edge.node}/")
    assert (letter.key.decode(), letter.value) == (bad.topic, bad.payload)
    assert dict(letter.headers)["reason"].startswith(reason + b": ")
    assert len(records_of(kafka_address, KAFKA_EVENTS, f"{edge.node}/")) == 1
    assert gateway.metric(f'refused_messages_total{{reason="{reason.decode()}"}}') >= 1
    assert gateway.metric("identity_mismatches_total") == (1 if reason == b"identity" else 0)


def test_gateway_that_was_killed_gets_what_it_had_not_acknowledged(
    gateway: GatewayProcess, edge: EdgeClient, kafka_address: str
) -> None:
    """SIGKILL in the middle of 2000 events: started again, it stores and receipts all, though none is sent again."""
    sequences = range(1, 2001)
    edge.publish(*(to_mqtt(recorded_event(edge.node, sequence)) for sequence in sequences[:1000]))
    assert eventually(lambda: len(edge.receipted) > 100)
    gateway.kill()
    known = len(edge.receipted)
    edge.publish(*(to_mqtt(recorded_event(edge.node, sequence)) for sequence in sequences[1000:]))
    assert known < len(sequences)
    gateway.start()
    assert eventually(lambda: edge.has_receipts_for(sequences)), f"{len(edge.receipted)} of {len(sequences)}"
    stored = [from_kafka(record.value, record.headers) for record in records_of(kafka_address, KAFKA_EVENTS, edge.node)]
    assert {message.id for message in stored} == {recorded_event(edge.node, sequence).id for sequence in sequences}


def test_batch_that_is_kept_whole_is_receipted_and_is_in_kafka_as_it_came(
    tmp_path: Path, mqtt_address: str, kafka_address: str, kafka_kind: str, edge: EdgeClient
) -> None:
    """With `batches: whole` Kafka holds one record of a batch, under the node's key; each event has its receipt."""
    kafka = _into_kafka(kafka_address, kafka_kind, batches="whole")
    process = GatewayProcess(tmp_path, mqtt=mqtt_address, destination=kafka, client_id=f"whole-{edge.node}")
    process.start()
    try:
        events = [to_mqtt(recorded_event(edge.node, sequence)) for sequence in range(1, 101)]
        batch = BatchPacker().pack(edge.node, events).message
        edge.publish(batch)
        assert eventually(lambda: edge.has_receipts_for(range(1, 101))), process.log()
    finally:
        process.close()
    held = [(record.key, record.value) for record in records_of(kafka_address, KAFKA_EVENTS, edge.node)]
    assert held == [(edge.node.encode(), batch.payload)]


def test_gateway_writes_straight_into_a_store(tmp_path: Path, mqtt_address: str, edge: EdgeClient) -> None:
    """With `destination: sqlite:///…` the same protocol runs without Kafka."""
    destination = f"destination: sqlite:///{tmp_path}/events.db"
    process = GatewayProcess(tmp_path, mqtt=mqtt_address, destination=destination, client_id=f"store-{edge.node}")
    process.start()
    try:
        edge.publish(*(to_mqtt(recorded_event(edge.node, sequence)) for sequence in range(1, 51)))
        assert eventually(lambda: edge.has_receipts_for(range(1, 51))), process.log()
        assert process.terminate()[0] == 0
    finally:
        process.close()

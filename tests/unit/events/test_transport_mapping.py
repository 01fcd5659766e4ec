"""Events and thumbnails on MQTT and Kafka, and back."""

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from winnow.events import ContractError, Event, Recorded, Thumbnail, new_event
from winnow.events.data import CameraOnline
from winnow.events.jpeg import jpeg_size
from winnow.events.kafka import deadletter_record, from_kafka, status_record, to_kafka
from winnow.events.limits import MAX_SEQUENCE, MAX_THUMBNAIL_BYTES
from winnow.events.mqtt import MqttMessage, from_mqtt, position_of, to_mqtt
from winnow.events.thumbnail import sha256_of
from winnow.events.topics import parse_upward_topic

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RECORDED = Recorded(epoch="e1", sequence=41, at=NOON)


def _jpeg_of(width: int, height: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", np.full((height, width, 3), 127, np.uint8))
    return encoded.tobytes()


def _thumbnail_of(jpeg: bytes) -> Thumbnail:
    return Thumbnail(
        id="2" * 32,
        node="shop-1",
        camera="door",
        subject="person/7",
        time=NOON,
        event_id="3" * 32,
        jpeg=jpeg,
        sha256=sha256_of(jpeg),
        recorded=RECORDED,
    )


def _camera_online(camera: str | None = "door") -> Event:
    data = CameraOnline(frame=(768, 576), clock="wall")
    event = new_event(id="4" * 32, node="shop-1", camera=camera, subject=None, time=NOON, data=data)
    return event.with_record(RECORDED)


@pytest.mark.parametrize(
    "message",
    [_camera_online(), _camera_online(None), _thumbnail_of(_jpeg_of(30, 20))],
    ids=["camera", "node", "thumbnail"],
)
def test_message_survives_mqtt_and_kafka(message: Event | Thumbnail) -> None:
    """What the edge publishes is what the sink reads."""
    published = to_mqtt(message)
    received = from_mqtt(published.topic, published.payload, published.user_properties)
    record = to_kafka(received)
    assert received == message
    assert from_kafka(record.value, record.headers) == message


def test_kafka_key_keeps_a_camera_together() -> None:
    """The key is node/camera, and the node alone for its own events."""
    assert to_kafka(_camera_online()).key == b"shop-1/door"
    assert to_kafka(_camera_online(None)).key == b"shop-1"


def test_another_nodes_topic_is_an_identity_error() -> None:
    """A source that is not the topic's is told apart from a plain mistake."""
    published = to_mqtt(_camera_online())
    with pytest.raises(ContractError) as raised:
        from_mqtt("winnow/v1/shop-2/events/door", published.payload, published.user_properties)
    assert raised.value.reason == "identity"


def test_event_without_a_sequence_is_refused() -> None:
    """Only what a spool accepted may travel."""
    published = to_mqtt(replace(_camera_online(), recorded=None))
    with pytest.raises(ContractError, match="sequence"):
        from_mqtt(published.topic, published.payload, published.user_properties)


@pytest.mark.parametrize(
    ("jpeg", "reason"),
    [
        (b"GIF89a", "image"),
        (_jpeg_of(30, 20)[:-10], "image"),
        (_jpeg_of(641, 20), "image"),
        (_jpeg_of(30, 20) + b"\0" * MAX_THUMBNAIL_BYTES, "size"),
        (b"\xff\xd8\xff\xd9", "image"),
    ],
    ids=["no jpeg", "cut short", "too wide", "too large", "empty jpeg"],
)
def test_unusable_image_is_refused(jpeg: bytes, reason: str) -> None:
    """A thumbnail is checked by its header before anybody decodes it."""
    published = to_mqtt(_thumbnail_of(jpeg))
    with pytest.raises(ContractError) as raised:
        from_mqtt(published.topic, published.payload, published.user_properties)
    assert raised.value.reason == reason


def test_image_with_another_checksum_is_refused() -> None:
    """The checksum is of the bytes that arrived."""
    published = to_mqtt(_thumbnail_of(_jpeg_of(30, 20)))
    with pytest.raises(ContractError, match="sha256"):
        from_mqtt(published.topic, _jpeg_of(31, 20), published.user_properties)


def test_thumbnail_missing_an_attribute_is_refused() -> None:
    """Every attribute of a thumbnail is needed."""
    published = to_mqtt(_thumbnail_of(_jpeg_of(30, 20)))
    for missing in ("id", "source", "type", "time", "subject", "eventid", "sha256", "sequence"):
        rest = [(name, text) for name, text in published.user_properties if name != missing]
        with pytest.raises(ContractError):
            from_mqtt(published.topic, published.payload, rest)


def test_event_on_the_thumbnail_topic_is_refused() -> None:
    """An event cannot pass as an image, nor an image as an event."""
    event, image = to_mqtt(_camera_online()), to_mqtt(_thumbnail_of(_jpeg_of(30, 20)))
    for topic, message in ((image.topic, event), (event.topic, image)):
        with pytest.raises(ContractError):
            from_mqtt(topic, message.payload, message.user_properties)


def test_position_is_known_even_of_poison() -> None:
    """Epoch and sequence ride beside the payload, so that a refused event gets its receipt."""
    published: MqttMessage = to_mqtt(_camera_online())
    assert position_of(published.user_properties) == ("e1", 41)


@pytest.mark.parametrize("sequence", ["", "0", "-1", "x", "²", str(MAX_SEQUENCE + 1), "9" * 5000])
def test_position_that_makes_no_sense_is_none(sequence: str) -> None:
    """A receipt is never sent for a number that no spool gives."""
    assert position_of([("epoch", "e1"), ("sequence", sequence)]) is None
    assert position_of([("epoch", "../e1"), ("sequence", "1")]) is None


@pytest.mark.parametrize(
    "topic",
    [
        "winnow/v1/n/receipts",
        "winnow/v2/n/events/c",
        "winnow/v1/N/events/c",
        "winnow/v1/n/events/c/d",
        "winnow/v1/n/thumbnails",
        "winnow/v1//events/c",
        "winnow/v1/n/cameras/c",
        "$SYS/broker",
        "",
    ],
)
def test_topic_that_no_edge_may_write_is_refused(topic: str) -> None:
    """Only the upward topics of the contract are parsed."""
    with pytest.raises(ContractError):
        parse_upward_topic(topic)


@pytest.mark.parametrize(
    ("topic", "parsed"),
    [
        ("winnow/v1/n/events/c", ("n", "events", "c")),
        ("winnow/v1/n/events", ("n", "events", None)),
        ("winnow/v1/n/thumbnails/c", ("n", "thumbnails", "c")),
        ("winnow/v1/n/batch", ("n", "batch", None)),
        ("winnow/v1/n/status", ("n", "status", None)),
        ("winnow/v1/n/cameras/c/status", ("n", "status", "c")),
    ],
)
def test_upward_topic_tells_who_speaks_of_what(topic: str, parsed: tuple[str, str, str | None]) -> None:
    """Node, stream and camera are read from the topic."""
    assert parse_upward_topic(topic) == parsed


def test_dead_letter_keeps_the_bytes_and_a_short_reason() -> None:
    """The original payload is untouched; the reason is at most 1 KiB."""
    record = deadletter_record("some/topic", b"\x00poison", "why " * 1000)
    assert record.value == b"\x00poison"
    assert len(dict(record.headers)["reason"]) == 1024
    assert dict(deadletter_record("t", b"", "é" * 600 + "x").headers)["reason"].decode() == "é" * 512
    assert dict(deadletter_record("t", b"", "x" + "é" * 600).headers)["reason"].decode() == "x" + "é" * 511


def test_status_record_replaces_the_last_one_of_its_camera() -> None:
    """The compacted topic is keyed by node or camera."""
    assert status_record("n", "c", b"{}").key == b"n/c"
    assert status_record("n", None, b"{}").key == b"n"


def test_header_that_is_not_text_is_refused() -> None:
    """A Kafka header of garbage is a contract error, not a crash."""
    with pytest.raises(ContractError, match="UTF-8"):
        from_kafka(b"{}", [("ce_id", b"\xff")])


def test_jpeg_size_is_read_from_the_header() -> None:
    """Width and height are those that were encoded."""
    assert jpeg_size(_jpeg_of(123, 45)) == (123, 45)


def test_oversize_event_in_a_record_is_refused() -> None:
    """The sink holds to the same limit as the edge."""
    record = to_kafka(_camera_online())
    padded = record.value[:-1] + b', "note": "' + b"x" * 16_384 + b'"}'
    with pytest.raises(ContractError, match="are allowed"):
        from_kafka(padded, record.headers)

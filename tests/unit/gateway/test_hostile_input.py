"""What a hostile or broken edge may send: each becomes a dead letter with a reason, or is stored as harmless text."""

import json
from typing import Any

import pytest

from winnow.cloud_sink.testing import crossing_event, thumbnail_of
from winnow.events.batch import BatchPacker, BatchReader
from winnow.events.judging import judge, judge_all
from winnow.events.limits import MAX_BATCH_BYTES, MAX_EVENT_BYTES, MAX_THUMBNAIL_BYTES
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.events.thumbnail import sha256_of
from winnow.events.topics import KAFKA_DEADLETTER

GOOD = to_mqtt(crossing_event(5))
THUMBNAIL = to_mqtt(thumbnail_of(crossing_event(5), 6))


def changed(**fields: Any) -> bytes:
    """Return the good event with other attributes; `None` takes one away."""
    event = {**json.loads(GOOD.payload), **fields}
    return json.dumps({name: value for name, value in event.items() if value is not None}).encode()


def with_data(**fields: Any) -> bytes:
    """Return the good event with other data."""
    return changed(data={**json.loads(GOOD.payload)["data"], **fields})


def with_text(old: bytes, new: bytes) -> bytes:
    """Return the good event with other bytes somewhere."""
    assert old in GOOD.payload
    return GOOD.payload.replace(old, new)


HOSTILE = {
    "JSON 100 000 deep": (b"[" * 100_000 + b"]" * 100_000, "size"),
    "JSON as deep as the size allows": (b'{"data":' + b"[" * 8000 + b"]" * 8000 + b"}", "schema"),
    "deep in a field that nobody knows": (
        with_text(b'"label"', b'"x":' + b"[" * 5000 + b"]" * 5000 + b',"label"'),
        "schema",
    ),
    "NaN": (with_text(b'"score":0.8', b'"score":NaN'), "schema"),
    "infinity": (with_text(b'"score":0.8', b'"score":Infinity'), "schema"),
    "float beyond range": (with_text(b'"score":0.8', b'"score":1e400'), "schema"),
    "integer of 4000 digits": (with_text(b'"sequence":5', b'"sequence":' + b"9" * 4000), "schema"),
    "negative sequence": (changed(sequence=-1), "schema"),
    "sequence 0": (changed(sequence=0), "schema"),
    "sequence beyond 32 bits": (changed(sequence=2**31), "schema"),
    "attribute twice": (with_text(b'"sequence":5', b'"sequence":4,"sequence":5'), "schema"),
    "data twice": (with_text(b'"data":', b'"data":{},"data":'), "schema"),
    "data field twice": (with_text(b'"score":0.8', b'"score":0.1,"score":0.8'), "schema"),
    "field twice in a field that nobody knows": (with_text(b'"label"', b'"x":{"a":1,"a":2},"label"'), "schema"),
    "bad UTF-8 in an attribute": (with_text(b"person/5", b"pers\xff/5"), "schema"),
    "bad UTF-8 in the data": (with_text(b'"label":"person"', b'"label":"\xc3\x28"'), "schema"),
    "UTF-16": (GOOD.payload.decode().encode("utf-16"), "schema"),
    "lone surrogate": (with_text(b'"label":"person"', b'"label":"\\ud800"'), "schema"),
    "empty": (b"", "schema"),
    "no object": (b"[1,2,3]", "schema"),
    "sequence as text": (changed(sequence="5"), "schema"),
    "data as text": (changed(data="person"), "schema"),
    "label as object": (with_data(label={"a": 1}), "schema"),
    "attribute that is none": (changed(evil="1"), "schema"),
    "box outside": (with_data(box=[0.1, 0.2, 0.3, 1.5]), "schema"),
    "box negative": (with_data(box=[-0.1, 0.2, 0.3, 0.4]), "schema"),
    "box of three": (with_data(box=[0.1, 0.2, 0.3]), "schema"),
    "frame of no width": (with_data(frame=[0, 576]), "schema"),
    "time before cameras": (changed(time="0001-01-01T00:00:00Z"), "schema"),
    "time far ahead": (changed(time="9999-12-31T23:59:59Z"), "schema"),
    "time without zone": (changed(time="2026-05-01T12:00:00"), "schema"),
    "month 13": (changed(time="2026-13-01T12:00:00Z"), "schema"),
    "NUL in a label": (with_data(label="per\x00son"), "schema"),
    "line end in a label": (with_data(label="person\n"), "schema"),
    "escape sequence in a subject": (changed(subject="\x1b[2Jperson/5"), "schema"),
    "label of 10 KB": (with_data(label="x" * 10_240), "schema"),
    "subject of 10 KB": (changed(subject="x" * 10_240), "schema"),
    "path as camera": (changed(source="/nodes/north/cameras/../../etc"), "schema"),
    "another node": (changed(source="/nodes/south/cameras/door"), "identity"),
    "another camera": (changed(source="/nodes/north/cameras/yard"), "identity"),
    "unknown kind": (changed(type="winnow.made.up.v1"), "schema"),
    "no place in the sequence": (changed(epoch=None, sequence=None, recordedtime=None), "schema"),
    "too large": (GOOD.payload[:-1] + b" " * MAX_EVENT_BYTES + b"}", "size"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_event_is_a_dead_letter_with_its_reason_and_its_receipt(what: str) -> None:
    """Nothing is raised, the payload is kept as it came, the reason is named, and the edge hears that it is safe."""
    payload, reason = HOSTILE[what]
    verdict = judge(GOOD.topic, payload, GOOD.user_properties)
    assert (verdict.refused, verdict.record.topic) == (reason, KAFKA_DEADLETTER)
    assert verdict.record.value == payload[:MAX_BATCH_BYTES]
    assert verdict.position == ("e1", 5)
    assert dict(verdict.record.headers)["reason"].startswith(reason.encode())


@pytest.mark.parametrize(
    "label", ["<script>alert(1)</script>", "../../etc/passwd", "'; DROP TABLE events; --", "👩‍🚒", "a" * 64]
)
def test_label_that_is_only_text_is_stored_as_it_is(label: str) -> None:
    """Markup and paths are text like any other: whoever shows them escapes them."""
    verdict = judge(GOOD.topic, with_data(label=label), GOOD.user_properties)
    assert verdict.refused is None
    assert json.loads(verdict.record.value)["label"] == label


def test_field_of_a_newer_edge_passes_the_check_for_keys_named_twice() -> None:
    """An event that this version did not encode is taken apart a second time, and accepted."""
    assert judge(GOOD.topic, with_data(newer={"a": [1, 2]}), GOOD.user_properties).refused is None


def bomb(width: int, height: int) -> bytes:
    """Return a JPEG of some bytes whose header asks for gigabytes."""
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xc0\x00\x0b\x08" + size + b"\x01\x01\x11\x00\xff\xd9"


IMAGES = {
    "image bomb": (bomb(65_535, 65_535), "image"),
    "no height": (bomb(100, 0), "image"),
    "cut": (THUMBNAIL.payload[:-2], "image"),
    "PNG": (b"\x89PNG\r\n\x1a\n" + bytes(100), "image"),
    "segment that points behind the end": (b"\xff\xd8\xff\xe0\xff\xff\xff\xd9", "image"),
    "segment without length": (b"\xff\xd8\xff\xe0\x00\x00" * 2000 + b"\xff\xd9", "image"),
    "too large": (b"\xff\xd8" + bytes(MAX_THUMBNAIL_BYTES) + b"\xff\xd9", "size"),
}


@pytest.mark.parametrize("what", IMAGES)
def test_hostile_image_is_a_dead_letter_before_a_pixel_is_decoded(what: str) -> None:
    """Size, header and end are looked at; the checksum is right in each case, so it is not what refuses them."""
    image, reason = IMAGES[what]
    properties = {**dict(THUMBNAIL.user_properties), "sha256": sha256_of(image)}
    verdict = judge(THUMBNAIL.topic, image, properties.items())
    assert (verdict.refused, verdict.position) == (reason, ("e1", 6))


def test_image_with_another_checksum_is_a_dead_letter() -> None:
    """An image that was changed on the way is not stored as evidence."""
    properties = {**dict(THUMBNAIL.user_properties), "sha256": "0" * 64}
    assert judge(THUMBNAIL.topic, THUMBNAIL.payload, properties.items()).refused == "image"


@pytest.mark.parametrize(
    "topic",
    [
        "winnow/v1/north/receipts",
        "winnow/v1/NORTH/events/door",
        "winnow/v1/north/events/a/b",
        "winnow/v2/north/events",
        "",
        "\ufffd",
    ],
)
def test_topic_that_no_edge_may_use_is_a_dead_letter(topic: str) -> None:
    """The topic is kept as the key of the dead letter."""
    message = MqttMessage(topic=topic, payload=GOOD.payload, content_type="", user_properties=())
    verdict = judge(message.topic, message.payload, message.user_properties)
    assert (verdict.refused, verdict.record.key) == ("topic", topic.encode())


def test_batch_of_no_message_is_a_dead_letter() -> None:
    """Nothing that a node sends vanishes uncounted, not even an empty batch."""
    empty = BatchPacker().pack("north", []).message
    assert [verdict.refused for verdict in judge_all(empty.topic, empty.payload, (), BatchReader())] == ["schema"]

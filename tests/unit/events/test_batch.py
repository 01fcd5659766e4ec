"""Batches: the same messages on both sides, and nothing that a hostile sender gains."""

import hashlib

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from winnow.events import ContractError
from winnow.events.batch import BatchPacker, BatchReader, dictionary_path
from winnow.events.limits import MAX_BATCH_TEXT_BYTES
from winnow.events.mqtt import MqttMessage, from_mqtt, to_mqtt
from winnow.pipeline.delivery.message import Message, record_all
from winnow.pipeline.delivery.testing import crossing, thumbnail, update
from winnow.runtime.testing import ManualClock

TOPIC = "winnow/v1/shop-1/batch"
DICTIONARY = zstandard.ZstdCompressionDict(dictionary_path(1).read_bytes())


def recorded(*messages: Message) -> list[Message]:
    """Return the messages as a spool accepted them."""
    return record_all(messages, node="shop-1", epoch="e1", after=0, at=ManualClock().now())[0]


def packed(*messages: Message) -> bytes:
    """Return a batch."""
    return BatchPacker().pack("shop-1", [to_mqtt(one) for one in recorded(*messages)]).message.payload


def framed(text: bytes, images: bytes = b"", *, dictionary: bool = True) -> bytes:
    """Return a batch around any text."""
    compressor = zstandard.ZstdCompressor(dict_data=DICTIONARY) if dictionary else zstandard.ZstdCompressor()
    compressed = compressor.compress(text)
    return len(compressed).to_bytes(4, "big") + compressed + images


def test_batch_taken_apart_is_the_messages_it_was_made_from() -> None:
    """Events and thumbnails of several cameras, in order, equal to what single packets would have brought."""
    messages: list[Message] = [
        crossing(0),
        thumbnail(1, size_bytes=900),
        update(2, camera="yard"),
        thumbnail(3),
        crossing(4),
    ]
    parts = BatchReader().messages_of(TOPIC, packed(*messages))
    assert [from_mqtt(part.topic, part.payload, part.user_properties) for part in parts] == recorded(*messages)
    assert [(part.topic, part.payload, part.content_type) for part in parts] == [
        (single.topic, single.payload, single.content_type) for single in map(to_mqtt, recorded(*messages))
    ]


def test_single_event_takes_a_third_of_its_own_packet() -> None:
    """The dictionary knows what all events share."""
    alone = to_mqtt(recorded(crossing(0))[0])
    assert len(packed(crossing(0))) < 0.34 * len(alone.payload)


def test_dictionary_is_the_one_of_the_contract() -> None:
    """Other bytes under the same number would make every edge's batches unreadable: a new dictionary is a new file."""
    assert DICTIONARY.dict_id() == 1
    digest = hashlib.sha256(dictionary_path(1).read_bytes()).hexdigest()
    assert digest == "70ae0113571bb93c57712010e32080027d33511bc5b9cdd03318a48bfb24e2b8"


def test_item_of_another_node_keeps_the_topic_of_its_sender() -> None:
    """So the check of source against topic finds the lie, as it does with a single message."""
    (foreign,) = record_all([crossing(0, node="other")], node="other", epoch="e1", after=0, at=ManualClock().now())[0]
    batch = BatchPacker().pack("shop-1", [to_mqtt(foreign)]).message
    (part,) = BatchReader().messages_of(batch.topic, batch.payload)
    assert part.topic == "winnow/v1/shop-1/events/door"
    with pytest.raises(ContractError, match="source"):
        from_mqtt(part.topic, part.payload, part.user_properties)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "schema"),
        (b"\xff\xff\xff\xff", "schema"),
        (framed(b"[]", b"left over"), "schema"),
        (framed(b"{}"), "schema"),
        (framed(b"[" * 100_000), "schema"),
        (framed(b"[]", dictionary=False), "schema"),
        (framed(b"[" + b",".join([b"{}"] * 513) + b"]"), "size"),
        (framed(b"[" + b" " * MAX_BATCH_TEXT_BYTES + b"]"), "size"),
        (framed(b'[{"source": "/nodes/shop-1/cameras/door", "size": 5}]', b"1234"), "schema"),
        (framed(b'[{"source": "/nodes/shop-1/cameras/door", "size": -1}]'), "schema"),
        (bytes(256 * 1024 + 1), "size"),
    ],
    ids=range(11),
)
def test_broken_batch_is_refused_as_a_whole(payload: bytes, reason: str) -> None:
    """Whatever it claims to hold, nothing is unpacked beyond the limits."""
    with pytest.raises(ContractError) as caught:
        BatchReader().messages_of(TOPIC, payload)
    assert caught.value.reason == reason


def test_frame_that_hides_its_size_unpacks_to_no_more_than_the_limit() -> None:
    """A megabyte of blanks is a few bytes of zstd."""
    compressor = zstandard.ZstdCompressor(dict_data=DICTIONARY, write_content_size=False)
    bomb = compressor.compress(b" " * 50 * MAX_BATCH_TEXT_BYTES)
    with pytest.raises(ContractError):
        BatchReader().messages_of(TOPIC, len(bomb).to_bytes(4, "big") + bomb)


def test_items_that_are_no_events_leave_the_others_alone() -> None:
    """Each item is judged by itself; what cannot be read has no position and stays with its sender."""
    good = to_mqtt(recorded(crossing(0))[0])
    parts = BatchReader().messages_of(TOPIC, framed(b'[7, {"source": 3}, ' + good.payload + b"]"))
    assert [part.topic for part in parts[:2]] == ["winnow/v1/shop-1/events"] * 2
    assert from_mqtt(parts[2].topic, parts[2].payload, parts[2].user_properties).kind == "line.crossed"


@given(st.data())
def test_changed_byte_is_refused_or_found_by_the_checks_behind(data: st.DataObject) -> None:
    """Any byte of a batch changed: no other exception than the contract's ever comes out."""
    payload = bytearray(packed(crossing(0), thumbnail(1, size_bytes=600)))
    position = data.draw(st.integers(0, len(payload) - 1))
    payload[position] ^= data.draw(st.integers(1, 255))
    try:
        parts: list[MqttMessage] = BatchReader().messages_of(TOPIC, bytes(payload))
        for part in parts:
            from_mqtt(part.topic, part.payload, part.user_properties)
    except ContractError:
        return


def test_image_whose_attributes_are_no_text_is_a_bad_item() -> None:
    """Bytes that are not UTF-8 hide where only the decoder of attributes looks; the image belongs to nobody then."""
    item = b'[{"source": "/nodes/shop-1/cameras/door", "size": 4, "subject": "\x8b"}]'
    (part,) = BatchReader().messages_of(TOPIC, framed(item))
    with pytest.raises(ContractError):
        from_mqtt(part.topic, part.payload, part.user_properties)
    with pytest.raises(ContractError, match="belong to no image"):
        BatchReader().messages_of(TOPIC, framed(item, b"1234"))


def test_thumbnail_attributes_travel_as_text() -> None:
    """The JSON of a batch holds exactly the attributes of the contract, and the size."""
    (one,) = recorded(thumbnail(0, size_bytes=700))
    payload = packed(thumbnail(0, size_bytes=700))
    length = int.from_bytes(payload[:4], "big")
    text = zstandard.ZstdDecompressor(DICTIONARY).decompress(payload[4 : 4 + length])
    (item,) = msgspec.json.decode(text)
    assert item["size"] == 700
    assert {name: item[name] for name in ("id", "subject")} == {"id": one.id, "subject": one.subject}

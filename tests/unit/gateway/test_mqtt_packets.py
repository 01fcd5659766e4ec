"""The gateway's MQTT 5 packets: cut from a stream, taken apart, and refused when they are damaged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from winnow.gateway import mqtt_packets as packets
from winnow.gateway.mqtt_packets import MalformedPacketError, PacketBuffer, decode_publish

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def publish_bytes(topic: str, payload: bytes, pairs: list[tuple[str, str]], packet_id: int) -> bytes:
    """Return the body of a QoS 1 PUBLISH whose properties paho has encoded."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/cloudevents+json"
    properties.MessageExpiryInterval = 60
    if pairs:
        properties.UserProperty = pairs
    name = topic.encode()
    packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
    return len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + packed + payload


@given(TEXT, st.binary(max_size=300), st.lists(st.tuples(TEXT, TEXT), max_size=4), st.integers(1, 65535))
def test_publish_of_another_library_is_read_as_it_was_meant(
    topic: str, payload: bytes, pairs: list[tuple[str, str]], packet_id: int
) -> None:
    """Topic, payload, user properties and packet id are those that paho encoded, among other properties."""
    found = decode_publish(0x32, publish_bytes(topic, payload, pairs, packet_id))
    assert (found.topic, found.payload, found.qos, found.packet_id) == (topic, payload, 1, packet_id)
    assert list(found.user_properties) == pairs


@given(st.lists(st.binary(max_size=400), max_size=6), st.lists(st.integers(1, 50), min_size=1))
def test_packets_are_the_same_however_the_network_cuts_the_stream(payloads: list[bytes], cuts: list[int]) -> None:
    """A packet that comes in pieces is the packet that was sent."""
    stream = b"".join(packets.encode_publish(5, "t", payload) for payload in payloads)
    buffer = PacketBuffer(1000)
    found: list[bytes] = []
    while stream:
        size = cuts[len(found) % len(cuts)]
        piece, stream = stream[:size], stream[size:]
        found += [decode_publish(first, body).payload for first, body in buffer.feed(piece)]
    assert found == payloads


@given(st.binary(max_size=200))
def test_garbage_is_malformed_or_harmless(garbage: bytes) -> None:
    """No bytes raise anything but `MalformedPacketError`."""
    readers = (packets.decode_connack, packets.decode_reasons, packets.decode_puback)
    for read in (*readers, lambda body: list(decode_publish(0x32, body).user_properties)):
        try:
            read(garbage)
        except MalformedPacketError:
            continue
    try:
        list(PacketBuffer(100).feed(garbage))
    except MalformedPacketError:
        return


@pytest.mark.parametrize("stream", [b"\x30\xff\xff\xff\xff", b"\x30\xff\xff\xff\x7f"])
def test_length_that_no_packet_may_have_is_malformed(stream: bytes) -> None:
    """A packet that claims more than the limit is refused before a byte of it is kept."""
    with pytest.raises(MalformedPacketError):
        list(PacketBuffer(1000).feed(stream))


def test_text_that_is_no_utf8_spoils_the_message_and_not_the_connection() -> None:
    """A topic or user property with bad UTF-8 is read with U+FFFD: a check behind refuses that one message."""
    body = b"\x00\x02\xff/\x00\x07\x07\x26\x00\x01\xfe\x00\x01vx"
    found = decode_publish(0x32, body)
    assert (found.topic, found.payload, found.qos, found.packet_id) == ("\ufffd/", b"x", 1, 7)
    assert list(found.user_properties) == [("\ufffd", "v")]


@pytest.mark.parametrize("properties", [b"\x26\x00\x01a\x00\x09b", b"\x7f", b"\x26", b"\x03\x00\x09x"])
def test_properties_whose_lengths_do_not_fit_have_no_pairs(properties: bytes) -> None:
    """The message itself is whole; whoever needs a property of it finds none."""
    found = decode_publish(0x32, b"\x00\x01t\x00\x07" + bytes([len(properties)]) + properties + b"payload")
    assert found.payload == b"payload"
    assert list(found.user_properties) == []


def test_brokers_window_is_read_from_its_connack() -> None:
    """CONNACK tells how many unanswered messages the broker takes; without the property it is 65 535."""
    assert packets.decode_connack(b"\x00\x00\x06\x21\x00\x14\x22\x00\x0a") == (0, 20)
    assert packets.decode_connack(b"\x00\x87\x00") == (0x87, 0xFFFF)

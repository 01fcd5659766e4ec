"""Messages as the spool keeps them."""

from datetime import UTC, datetime

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from winnow.events import Recorded
from winnow.pipeline.delivery.message import Message, packet_bytes, spooled
from winnow.pipeline.delivery.testing import crossing, thumbnail

RECORD = Recorded(epoch="abcdef", sequence=123456, at=datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize("message", [crossing(1), thumbnail(1, size_bytes=20_000)], ids=["event", "thumbnail"])
def test_packet_size_is_bounded_closely(message: Message) -> None:
    """The bound is never below what paho puts on the wire, and at most 30 bytes above."""
    mqtt = spooled(message.with_record(RECORD)).mqtt
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    packets: list[int] = []
    client._packet_queue = lambda _, packet, *_rest, **_named: packets.append(len(packet))  # type: ignore[method-assign,assignment]
    client._sock = object()  # type: ignore[assignment]
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = mqtt.content_type
    properties.UserProperty = list(mqtt.user_properties)
    client._send_publish(1, mqtt.topic.encode(), mqtt.payload, 1, properties=properties)
    client._sock = None
    assert packets[0] <= packet_bytes(mqtt) <= packets[0] + 30


def test_message_without_a_sequence_cannot_be_spooled() -> None:
    """It must be recorded first."""
    with pytest.raises(ValueError, match="has no sequence yet"):
        spooled(crossing(1))

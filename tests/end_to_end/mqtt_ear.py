"""A client of the broker that hears everything a node says, gives receipts for it, and gives it orders."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from paho.mqtt.client import Client, MQTTMessage

from winnow.events.commands import Command, encode_command
from winnow.events.data import NodeStats
from winnow.events.event import Envelope, kind_of_type
from winnow.events.receipts import Receipt, encode_receipt
from winnow.events.topics import PREFIX, commands_topic, receipts_topic
from winnow.runtime.mqtt import MqttSettings, new_client


class MqttEar:
    """What was heard on all topics of one node."""

    def __init__(self, client: Client, node: str) -> None:
        self._client = client
        self._node = node
        self._lock = threading.Lock()
        self._heard: list[tuple[str, bytes, dict[str, str]]] = []

    def hear(self, message: MQTTMessage) -> None:
        """Keep a message, and give its receipt as a gateway does: without receipts a node soon sends no more."""
        properties = dict(getattr(message.properties, "UserProperty", []))
        if {"epoch", "sequence"} <= properties.keys():
            receipt = Receipt(epoch=properties["epoch"], also=(int(properties["sequence"]),))
            self._client.publish(receipts_topic(self._node), encode_receipt(receipt), qos=1)
        with self._lock:
            self._heard.append((message.topic, bytes(message.payload), properties))

    @property
    def heard(self) -> list[tuple[str, bytes, dict[str, str]]]:
        """Topic, payload and user properties of everything so far."""
        with self._lock:
            return list(self._heard)

    def envelopes(self, kind: str) -> list[Envelope]:
        """Return the events of a kind so far, each once."""
        found = {}
        for topic, payload, _ in self.heard:
            if f"{PREFIX}/{self._node}/events" in topic:
                envelope = msgspec.json.decode(payload, type=Envelope)
                if kind_of_type(envelope.type) == kind:
                    found[envelope.id] = envelope
        return list(found.values())

    def statistics(self) -> list[NodeStats]:
        """Return every `node.stats` so far."""
        return [msgspec.json.decode(one.data, type=NodeStats) for one in self.envelopes("node.stats")]

    def thumbnails(self) -> list[tuple[dict[str, str], bytes]]:
        """Return attributes and image of every thumbnail so far."""
        return [(facts, payload) for topic, payload, facts in self.heard if "/thumbnails/" in topic]

    def order(self, command: Command) -> None:
        """Give the node a command."""
        self._client.publish(commands_topic(self._node), encode_command(command), qos=1).wait_for_publish(5)


@contextmanager
def listening(settings: MqttSettings, node: str) -> Iterator[MqttEar]:
    """Yield an ear that is connected and subscribed to everything of the node."""
    client = new_client(settings, client_id=f"ear-{node}")
    ear, ready = MqttEar(client, node), threading.Event()
    client.on_message = lambda _client, _data, message: ear.hear(message)
    client.on_connect = lambda connected, *_: connected.subscribe(f"{PREFIX}/{node}/#", qos=1)
    client.on_subscribe = lambda *_: ready.set()
    client.connect(*settings.address)
    client.loop_start()
    try:
        assert ready.wait(10)
        yield ear
    finally:
        client.disconnect()
        client.loop_stop()

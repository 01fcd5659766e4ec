"""The demo's broker: a child process that speaks MQTT 5, takes large payloads and goes away with its parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from queue import Queue

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.properties import Properties

from winnow.runtime.embedded_broker import EmbeddedBroker, EmbeddedBrokerError
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

WITHIN_S = 10.0
PARENT = """
from winnow.runtime.embedded_broker import EmbeddedBroker
import time
broker = EmbeddedBroker()
broker.start()
print(broker._process.pid, flush=True)
time.sleep(60)
"""


def _client(broker: EmbeddedBroker, client_id: str, *, manual_ack: bool = False) -> Client:
    settings = MqttSettings(url=f"mqtt://{broker.address}")
    client = new_client(settings, client_id=client_id, manual_ack=manual_ack)
    host, port = settings.address
    client.connect(host, port, clean_start=False, properties=connect_properties(session_expiry_s=60))
    return client


def _is_gone(pid: int) -> bool:
    deadline_s = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline_s:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_large_payload_and_its_properties_go_through() -> None:
    """A batch of 256 KiB arrives whole, with the user properties that it was sent with."""
    arrived: list[tuple[bytes, Properties | None]] = []
    subscribed, received = threading.Event(), threading.Event()

    def keep(_client: Client, _data: object, message: MQTTMessage) -> None:
        arrived.append((bytes(message.payload), message.properties))
        received.set()

    with EmbeddedBroker() as broker:
        client = _client(broker, "reader")
        client.on_message = keep
        client.on_subscribe = lambda *_: subscribed.set()
        client.loop_start()
        client.subscribe("a/#", qos=1)
        assert subscribed.wait(WITHIN_S)
        properties = Properties(3)  # type: ignore[no-untyped-call]
        properties.UserProperty = [("epoch", "e1")]
        client.publish("a/b", b"x" * 256 * 1024, qos=1, properties=properties)
        assert received.wait(WITHIN_S)
        client.disconnect()
        client.loop_stop()
    payload, came_with = arrived[0]
    assert payload == b"x" * 256 * 1024
    assert getattr(came_with, "UserProperty", None) == [("epoch", "e1")]


def test_message_without_acknowledgement_comes_again() -> None:
    """A session that is resumed gets what it has not acknowledged: the gateway may be restarted."""
    with EmbeddedBroker() as broker:
        first = _receive_one(broker, publish=b"once")
        second = _receive_one(broker, publish=None)
    assert (first, second) == (b"once", b"once")


def _receive_one(broker: EmbeddedBroker, *, publish: bytes | None) -> bytes:
    """Resume the session, subscribe, publish if asked to, and return the first message without acknowledging it."""
    arrived: Queue[bytes] = Queue()
    subscribed = threading.Event()
    client = _client(broker, "gateway", manual_ack=True)
    client.on_message = lambda _client, _data, message: arrived.put(bytes(message.payload))
    client.on_subscribe = lambda *_: subscribed.set()
    client.loop_start()
    client.subscribe("a", qos=1)
    assert subscribed.wait(WITHIN_S)
    if publish is not None:
        client.publish("a", publish, qos=1)
    received = arrived.get(timeout=WITHIN_S)
    client.disconnect()
    client.loop_stop()
    return received


def test_stop_frees_the_port_and_may_be_repeated() -> None:
    """After `stop` the child is gone, and a broker starts again on the same port."""
    broker = EmbeddedBroker()
    broker.start()
    broker.stop()
    broker.stop()
    assert not broker.running
    with broker:
        assert broker.running


def test_taken_port_is_told() -> None:
    """Two brokers on one port: the second one does not start."""
    with EmbeddedBroker() as first:
        second = EmbeddedBroker(port=int(first.address.partition(":")[2]))
        with pytest.raises(EmbeddedBrokerError, match="listens on"):
            second.start()


def test_child_ends_when_its_parent_is_killed() -> None:
    """Nothing is left behind, however the parent ended; a Ctrl-C in the terminal does not reach the child."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child_pid = int(parent.stdout.readline())
        assert os.getpgid(child_pid) != os.getpgid(parent.pid)
        parent.send_signal(signal.SIGKILL)
    assert _is_gone(child_pid)

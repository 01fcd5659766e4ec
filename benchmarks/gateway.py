"""The gateway between real brokers: messages a second and processor time a message, receipts included."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from rich.table import Table

from scripts.services import KafkaServer, MosquittoServer, ServerMissing
from winnow.events import Recorded, new_event
from winnow.events.data import CameraOnline
from winnow.events.identity import digest_of
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.events.receipts import decode_receipt
from winnow.events.topics import receipts_topic
from winnow.runtime.embedded_broker import EmbeddedBroker
from winnow.runtime.mqtt import MqttSettings, new_client

MESSAGES: Final = 10_000
WARM_UP: Final = 200
WINDOW: Final = 100
WITHIN_S: Final = 60.0
NODE: Final = "bench"


def measure() -> Table:
    """Return speed and cost of each pair of broker and destination that is installed here."""
    table = Table("broker", "destination", "messages/s", "gateway CPU, µs a message", title=f"{MESSAGES} events")
    with tempfile.TemporaryDirectory() as folder, EmbeddedBroker() as broker:
        _add(table, "embedded (rumqttd)", "SQLite", broker.address, f"sqlite:///{folder}/bench.db")
    try:
        with MosquittoServer() as mqtt, KafkaServer() as kafka:
            _add(table, "Mosquitto", "Kafka", f"127.0.0.1:{mqtt.port}", f"kafka://127.0.0.1:{kafka.port}")
    except ServerMissing as missing:
        table.add_row("Mosquitto", "Kafka", "-", str(missing))
    return table


def _add(table: Table, broker: str, destination: str, mqtt: str, url: str) -> None:
    with gateway_process(mqtt, url) as pid:
        sender = _Sender(mqtt)
        sender.send(range(1, WARM_UP + 1))
        began_s, began_cpu_s = time.perf_counter(), _cpu_s(pid)
        sender.send(range(WARM_UP + 1, WARM_UP + MESSAGES + 1))
        took_s, took_cpu_s = time.perf_counter() - began_s, _cpu_s(pid) - began_cpu_s
        sender.close()
    table.add_row(broker, destination, f"{MESSAGES / took_s:.0f}", f"{took_cpu_s / MESSAGES * 1e6:.0f}")


@contextmanager
def gateway_process(mqtt: str, destination: str) -> Iterator[int]:
    """Run the command while the block runs; yield its process id."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "gateway.yaml"
        settings.write_text(
            f"mqtt: {{url: 'mqtt://{mqtt}'}}\ndestination: '{destination}'\nmetrics: {{port: 0}}\n", encoding="utf-8"
        )
        command = [sys.executable, "-m", "winnow.cli", "gateway", "-c", str(settings), "--log-level", "ERROR"]
        child = subprocess.Popen(command)  # noqa: S603 - our own command
        try:
            yield child.pid
        finally:
            child.terminate()
            child.wait()


class _Sender:
    """Publishes events and waits for their receipts."""

    def __init__(self, mqtt: str) -> None:
        settings = MqttSettings(url=f"mqtt://{mqtt}")
        self._missing: set[int] = set()
        self._complete = threading.Event()
        self._client = new_client(settings, client_id="bench")
        self._client.max_inflight_messages = WINDOW
        self._client.on_message = self._strike_off
        self._client.on_connect = lambda client, *_: client.subscribe(receipts_topic(NODE), qos=1)
        self._client.connect(*settings.address)
        self._client.loop_start()

    def send(self, sequences: range) -> None:
        """Publish one event for each sequence; return when all are receipted, publishing again what is not."""
        messages = {sequence: _message(sequence) for sequence in sequences}
        self._missing = set(messages)
        self._complete.clear()
        deadline_s = time.monotonic() + WITHIN_S
        while not self._complete.is_set():
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{len(self._missing)} of {len(messages)} events have no receipt")
            for sequence in sorted(self._missing):
                message = messages[sequence]
                properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
                properties.UserProperty = list(message.user_properties)
                self._client.publish(message.topic, message.payload, qos=1, properties=properties)
            # The first round of the warm-up comes before the gateway has subscribed, and is lost.
            self._complete.wait(2.0 if len(messages) == WARM_UP else WITHIN_S)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _strike_off(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self._missing.difference_update(decode_receipt(bytes(message.payload)).also)
        if not self._missing:
            self._complete.set()


def _message(sequence: int) -> MqttMessage:
    now = datetime.now(UTC)
    event = new_event(
        id=digest_of("bench", str(sequence)),
        node=NODE,
        camera="door",
        subject=None,
        time=now,
        data=CameraOnline(frame=(1920, 1080), clock="rtcp"),
    )
    return to_mqtt(event.with_record(Recorded(epoch="e1", sequence=sequence, at=now)))


def _cpu_s(pid: int) -> float:
    """Return user and system seconds of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

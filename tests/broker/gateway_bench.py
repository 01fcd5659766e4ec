"""What the gateway's broker tests share: the command in a child process, an edge, and a reader of Kafka."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from confluent_kafka import Consumer, TopicPartition
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from scripts.services import free_port
from winnow.events import Event, Recorded, new_event
from winnow.events.data import CameraOnline
from winnow.events.identity import digest_of
from winnow.events.kafka import KafkaRecord
from winnow.events.mqtt import MqttMessage
from winnow.events.receipts import decode_receipt
from winnow.events.topics import receipts_topic
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

WITHIN_S: Final = 30.0
NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)
EPOCH: Final = "e1"


def eventually(condition: Callable[[], bool], *, within_s: float = WITHIN_S) -> bool:
    """Return True as soon as the condition holds, False if it does not in time."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def recorded_event(node: str, sequence: int, *, camera: str = "door") -> Event:
    """Return an event of the node as its spool would have accepted it."""
    event = new_event(
        id=digest_of(node, str(sequence)),
        node=node,
        camera=camera,
        subject=None,
        time=NOON,
        data=CameraOnline(frame=(640, 480), clock="wall"),
    )
    return event.with_record(Recorded(epoch=EPOCH, sequence=sequence, at=NOON))


class GatewayProcess:
    """`winnow gateway` in a child process, with settings and log in a folder.

    Args:
        folder: where settings and log go.
        mqtt: host:port of the broker.
        destination: lines of YAML that say where records go.
        client_id: the gateway's session.
    """

    def __init__(self, folder: Path, *, mqtt: str, destination: str, client_id: str) -> None:
        self._port = free_port()
        self._settings = folder / "gateway.yaml"
        self._log = folder / "gateway.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._settings.write_text(
            f"mqtt: {{url: 'mqtt://{mqtt}'}}\nclient_id: {client_id}\n{destination}\nmetrics: {{port: {self._port}}}\n",
            encoding="utf-8",
        )

    @property
    def pid(self) -> int:
        """Return the child's process id."""
        assert self._child is not None
        return self._child.pid

    def start(self, *, wait: bool = True) -> None:
        """Start the command, and wait until it is healthy if asked to."""
        command = [sys.executable, "-m", "winnow.cli", "gateway", "-c", str(self._settings)]
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        if wait:
            assert eventually(lambda: self.health().get("ok") is True), self.log()

    def kill(self) -> None:
        """End it with SIGKILL."""
        assert self._child is not None
        self._child.kill()
        self._child.wait()
        self._child = None

    def terminate(self) -> tuple[int, float]:
        """Send SIGTERM; return exit code and seconds until it was gone."""
        assert self._child is not None
        began_s = time.monotonic()
        self._child.terminate()
        code = self._child.wait(timeout=WITHIN_S)
        self._child = None
        return code, time.monotonic() - began_s

    def close(self) -> None:
        """Leave nothing running."""
        if self._child is not None:
            self.kill()

    def log(self) -> str:
        """Return what it wrote."""
        return self._log.read_text(encoding="utf-8")

    def health(self) -> dict[str, object]:
        """Return what `/healthz` answers; nothing if it does not answer."""
        try:
            return dict(json.loads(self._get("/healthz")))
        except HTTPError as answer:
            with answer:
                return dict(json.loads(answer.read()))
        except (URLError, OSError):
            return {}

    def metric(self, name: str) -> float:
        """Return a sample of `/metrics`, 0 if it is not there."""
        for line in self._get("/metrics").splitlines():
            if line.startswith(f"winnow_gateway_{name} "):
                return float(line.rpartition(" ")[2])
        return 0.0

    def refused(self) -> float:
        """Return how many messages became dead letters, for whatever reason."""
        lines = [line for line in self._get("/metrics").splitlines() if "_gateway_refused_messages_total{" in line]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def memory_bytes(self) -> int:
        """Return the resident memory of the child."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def _get(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as answer:
            return str(answer.read().decode())


class EdgeClient:
    """A node's connection: publishes, and collects the sequences that receipts name."""

    def __init__(self, mqtt: str, node: str) -> None:
        self.node = node
        self.receipted: set[int] = set()
        self._taken = 0
        settings = MqttSettings(url=f"mqtt://{mqtt}")
        self._subscribed = threading.Event()
        self._client = new_client(settings, client_id=f"edge-{node}")
        self._client.on_message = self._keep
        self._client.on_connect = lambda client, *_: client.subscribe(receipts_topic(node), qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_publish = self._count
        host, port = settings.address
        properties = connect_properties(session_expiry_s=600)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect(host, port, clean_start=False, properties=properties)
        self._client.loop_start()
        assert self._subscribed.wait(WITHIN_S)

    def publish(self, *messages: MqttMessage, retain: bool = False) -> None:
        """Hand messages to the broker; returns when it has taken them over."""
        goal = self._taken + len(messages)
        for message in messages:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if message.user_properties:
                properties.UserProperty = list(message.user_properties)
            self._client.publish(message.topic, message.payload, qos=1, retain=retain, properties=properties)
        assert eventually(lambda: self._taken >= goal)

    def has_receipts_for(self, sequences: Iterable[int]) -> bool:
        """Return whether every one of the sequences was receipted."""
        return self.receipted.issuperset(sequences)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _keep(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        receipt = decode_receipt(bytes(message.payload))
        assert receipt.epoch == EPOCH
        self.receipted.update(receipt.also)

    def _count(self, *_: object) -> None:
        self._taken += 1


def records_of(kafka: str, topic: str, key_prefix: str) -> list[KafkaRecord]:
    """Return what the topic holds at this moment for keys with the prefix, partition by partition in order."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "reader", "enable.auto.commit": False})
    found = []
    try:
        for number in consumer.list_topics(topic, timeout=WITHIN_S).topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=WITHIN_S)
            consumer.assign([TopicPartition(topic, number, low)])
            while low < high:
                message = consumer.poll(WITHIN_S)
                assert message is not None
                assert message.error() is None
                low = (message.offset() or 0) + 1
                key = message.key() or b""
                if key.startswith(key_prefix.encode()):
                    headers = [(str(name), bytes(value)) for name, value in message.headers() or []]  # type: ignore[arg-type,str-unpack]
                    value = message.value() or b""
                    found.append(KafkaRecord(topic=topic, key=key, value=value, headers=tuple(headers)))
    finally:
        consumer.close()
    return found

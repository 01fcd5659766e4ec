"""The gateway beside others (P7): processor time a message on real Mosquitto and Kafka, and what a kill loses."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final, cast
from uuid import uuid4

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from benchmarks.harness.report import Report, Target
from benchmarks.harness.tools import ToolMissingError, tools_python
from scripts.services import KafkaServer, MosquittoServer
from winnow.cli.loadgen_traffic import Shape, message_of
from winnow.events.batch import BatchPacker
from winnow.events.mqtt import MqttMessage
from winnow.events.topics import KAFKA_EVENTS
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.runtime.mqtt import MqttSettings

MESSAGES: Final = 10_000
WARM_UP: Final = 1_000
KILLED: Final = 5_000
IN_A_BATCH: Final = 100
ROUNDS: Final = 3
BACKLOG: Final = 400
WITHIN_S: Final = 60.0
SETTLED_S: Final = 6.0
"""After so long without a new record, a subject that was killed and started again has passed on all that it will."""
SHAPE: Final = Shape(nodes=20, rate_per_s=1, size_bytes=600, burst=1, duration_s=1, thumbnails=0)
BESIDE: Final = Path(__file__).parent / "subjects"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where one subject reads and writes."""

    mqtt_port: int
    kafka: str
    topic: str


class _Subject:
    """A gateway in a process of its own.

    Args:
        name: in the table.
        program: the competitor's file; empty for Winnow's own command.
        place: where it reads and writes.
        folder: for settings.
    """

    def __init__(self, name: str, program: str, place: _Place, folder: Path) -> None:
        self.name = name
        self.place = place
        if program:
            arguments = [str(BESIDE / program), "127.0.0.1", str(place.mqtt_port), place.kafka, place.topic]
            self._command = [tools_python(), *arguments]
        else:
            settings = folder / "gateway.yaml"
            settings.write_text(
                f"mqtt: {{url: 'mqtt://127.0.0.1:{place.mqtt_port}'}}\nclient_id: bench-{uuid4().hex[:8]}\n"
                f"destination: 'kafka://{place.kafka}'\nmetrics: {{port: 0}}\n",
                encoding="utf-8",
            )
            self._command = [sys.executable, "-m", "winnow.cli", "gateway", "-c", str(settings), "--log-level", "ERROR"]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it while the block runs."""
        child = subprocess.Popen(self._command)  # noqa: S603 - our own commands
        try:
            yield child
        finally:
            child.kill()
            child.wait()


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


def measure() -> Report:
    """Return processor time a message of each gateway, and what each loses when it is killed."""
    notes: list[str] = []
    rows: list[tuple[str, ...]] = []
    costs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, MosquittoServer() as mqtt, KafkaServer() as kafka:
        address = f"127.0.0.1:{kafka.port}"
        programs = {"Winnow": "", "aiomqtt + aiokafka.send": "aiomqtt_gateway.py", "mq-bridge": "mq_bridge_gateway.py"}
        for name, program in programs.items():
            topic = f"bench-{uuid4().hex[:8]}" if program else KAFKA_EVENTS
            _make_topic(address, topic)
            place = _Place(mqtt_port=mqtt.port, kafka=address, topic=topic)
            try:
                subject = _Subject(name, program, place, Path(folder))
                costs[name] = _cost_us(subject, batched=False)
                lost, doubled = _lost_by_a_kill(subject)
                rows.append((name, f"{costs[name]:.1f}", f"{lost}", f"{doubled}"))
                if not program:
                    costs["batches"] = _cost_us(subject, batched=True)
                    rows.append((f"Winnow, {IN_A_BATCH} events a batch", f"{costs['batches']:.1f}", "-", "-"))
            except (ToolMissingError, TimeoutError) as exc:
                notes.append(f"{name}: {exc}")
    return Report(
        title=f"gateway, {MESSAGES} events of {SHAPE.size_bytes} bytes, median of {ROUNDS}",
        columns=("gateway", "CPU, µs a message", f"lost of {KILLED} by a SIGKILL", "in Kafka twice"),
        rows=rows,
        targets=_targets(costs),
        notes=[
            "Winnow also checks every field, sends receipts and keeps dead letters; the other two pass bytes on.",
            "A message that Winnow stores twice is stored once by the sink: it has the same id.",
            "Winnow's edges send again what has no receipt; here nobody does, so a loss would show.",
            *notes,
        ],
    )


def _targets(costs: dict[str, float]) -> list[Target]:
    def ratio(one: str, other: str) -> float | None:
        return costs[one] / costs[other] if one in costs and other in costs else None

    first, bridge = ratio("Winnow", "aiomqtt + aiokafka.send"), ratio("Winnow", "mq-bridge")
    batches = ratio("batches", "Winnow")
    return [
        Target(number="P7", what="gateway CPU ÷ aiomqtt + aiokafka.send", measured=first, limit=0.25, bound="at most"),
        Target(number="P7", what="gateway CPU ÷ mq-bridge", measured=bridge, limit=0.9, bound="at most"),
        Target(number="P7", what="event in a batch ÷ event alone", measured=batches, limit=0.1, bound="at most"),
    ]


def _cost_us(subject: _Subject, *, batched: bool) -> float:
    """Return processor time of the gateway's process a message, in microseconds."""
    with subject.running() as child:
        _wait_until_it_passes_on(subject)
        _pass_on(subject, _messages(WARM_UP, batched=batched), WARM_UP)
        found = []
        for _ in range(ROUNDS):
            messages = _messages(MESSAGES, batched=batched)
            before_s = _cpu_s(child.pid)
            _pass_on(subject, messages, MESSAGES)
            found.append((_cpu_s(child.pid) - before_s) / MESSAGES * 1e6)
    return median(found)


def _wait_until_it_passes_on(subject: _Subject) -> None:
    """Return when a message has come out; what is sent before a gateway has subscribed reaches nobody."""
    before, deadline_s = _records(subject.place), time.monotonic() + WITHIN_S
    while _records(subject.place) == before:
        if time.monotonic() > deadline_s:
            raise TimeoutError("nothing comes out")
        asyncio.run(_publish(subject.place.mqtt_port, _messages(1, batched=False)))
        time.sleep(0.5)
    time.sleep(2)


def _pass_on(subject: _Subject, messages: Sequence[MqttMessage], events: int) -> None:
    goal = _records(subject.place) + events
    asyncio.run(_publish(subject.place.mqtt_port, messages))
    deadline_s = time.monotonic() + WITHIN_S
    while (found := _records(subject.place)) < goal:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{goal - found} of {events} events did not come")
        time.sleep(0.05)


def _lost_by_a_kill(subject: _Subject) -> tuple[int, int]:
    """Kill it in the middle of a burst and start it again; return how many events are missing, and how many double."""
    before = _values(subject.place)
    messages = _messages(KILLED, batched=False)
    start = _records(subject.place)
    with subject.running() as child:
        time.sleep(3)
        asyncio.run(_publish(subject.place.mqtt_port, messages[: KILLED // 2]))
        while _records(subject.place) == start:
            time.sleep(0.01)
        asyncio.run(_publish(subject.place.mqtt_port, messages[KILLED // 2 :], stop=child))
    with subject.running():
        seen, since_s = -1, time.monotonic()
        while time.monotonic() - since_s < SETTLED_S:
            if (now := _records(subject.place)) != seen:
                seen, since_s = now, time.monotonic()
            time.sleep(0.1)
    found = Counter(_values(subject.place)) - Counter(before)
    return KILLED - len(found), sum(found.values()) - len(found)


async def _publish(port: int, messages: Sequence[MqttMessage], stop: subprocess.Popen[bytes] | None = None) -> None:
    """Return when the broker has taken all of them over; `stop` is killed when it has the half of them."""
    settings = MqttSettings(url=f"mqtt://127.0.0.1:{port}")
    connection = MqttConnection(
        settings, client_id=f"sender-{uuid4().hex[:8]}", receive_maximum=100, on_message=lambda _message: None
    )
    await connection.open(["winnow/v1/sender/commands"])
    for number, message in enumerate(messages):
        while connection.backlog >= BACKLOG:  # noqa: ASYNC110 - two lines in a benchmark
            await asyncio.sleep(0.001)
        if stop is not None and number == len(messages) // 2:
            stop.kill()
        connection.publish(message.topic, message.payload, message.user_properties)
    while connection.backlog:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await connection.close()


def _messages(events: int, *, batched: bool) -> list[MqttMessage]:
    epoch, now = f"bench-{uuid4().hex[:8]}", datetime.now(UTC)
    made = [message_of(SHAPE, number, epoch=epoch, now=now) for number in range(events)]
    if not batched:
        return [message for _, _, message in made]
    packer = BatchPacker()
    of_nodes: dict[str, list[MqttMessage]] = {}
    for node, _, message in made:
        of_nodes.setdefault(node, []).append(message)
    return [
        packer.pack(node, those[first : first + IN_A_BATCH]).message
        for node, those in of_nodes.items()
        for first in range(0, len(those), IN_A_BATCH)
    ]


def _make_topic(kafka: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    for made in admin.create_topics([NewTopic(topic, num_partitions=6, replication_factor=1)]).values():
        made.result()


@contextmanager
def _reader(kafka: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bench", "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


def _records(place: _Place) -> int:
    with _reader(place.kafka) as consumer:
        parts = [TopicPartition(place.topic, number) for number in range(6)]
        return sum(_end_of(consumer, part) for part in parts)


def _end_of(consumer: Consumer, part: TopicPartition) -> int:
    """Return the offset behind the last record; a topic that was just made has no leader for a moment."""
    deadline_s = time.monotonic() + WITHIN_S
    while True:
        try:
            return int(consumer.get_watermark_offsets(part, timeout=WITHIN_S)[1])
        except KafkaException:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def _values(place: _Place) -> list[bytes]:
    """Return what tells the events of a topic apart: Winnow's id is a header, the others keep the whole event."""
    found = []
    with _reader(place.kafka) as consumer:
        for number in range(6):
            low, high = consumer.get_watermark_offsets(TopicPartition(place.topic, number), timeout=WITHIN_S)
            consumer.assign([TopicPartition(place.topic, number, low)])
            while low < high:
                message = consumer.poll(WITHIN_S)
                if message is None:
                    raise TimeoutError("Kafka does not hand over what it has")
                low = (message.offset() or 0) + 1
                headers: dict[str, bytes] = dict(cast("Any", message.headers()) or [])
                found.append(headers.get("ce_id") or bytes(message.value() or b""))
    return found


def _cpu_s(pid: int) -> float:
    """Return user and system seconds of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

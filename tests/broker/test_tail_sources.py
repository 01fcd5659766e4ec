"""`winnow tail` against real brokers and databases: what was, what comes, and one clear line when nothing answers."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.cimpl import KafkaError
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from scripts.services.local_server import free_port
from winnow.cloud_sink.store import open_store
from winnow.cloud_sink.testing import crossing_event
from winnow.events import Event
from winnow.events.batch import BatchPacker
from winnow.events.kafka import batch_record, to_kafka
from winnow.events.mqtt import to_mqtt
from winnow.events.topics import KAFKA_EVENTS

WAIT_S = 30
TAIL = [sys.executable, "-m", "winnow.cli", "tail"]


class TailProcess:
    """A running `winnow tail`, its lines as they come."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen([*TAIL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines: list[str] = []
        self.notices: list[str] = []
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.lines)),
            threading.Thread(target=self._read, args=(self.process.stderr, self.notices)),
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _read(stream: object, into: list[str]) -> None:
        for line in stream:  # type: ignore[attr-defined]
            into.append(line.rstrip("\n"))  # noqa: PERF401 - lines are looked at while they come

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Return once `condition` holds."""
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert self.process.poll() is None, f"ended early: {self.notices}"
            assert time.monotonic() < deadline, f"{what}: not within {WAIT_S} s; {self.lines} {self.notices}"
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(10)
        for thread in self._threads:
            thread.join(5)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


def _run(*arguments: str, timeout: float = 20) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*TAIL, *arguments], capture_output=True, text=True, timeout=timeout, check=False)


def _ids(lines: Sequence[str]) -> list[str]:
    return [json.loads(line)["id"] for line in lines]


def _now(event: Event, *, ago_s: float = 0) -> Event:
    """Return the event as if its edge had recorded it just now, or a while ago."""
    assert event.recorded is not None
    return replace(event, recorded=replace(event.recorded, at=datetime.now(UTC) - timedelta(seconds=ago_s)))


@pytest.fixture
def produce(kafka_address: str, create_topics: Callable[..., None]) -> Callable[[Sequence[Event]], None]:
    """Return a function that writes events to Kafka and waits until it has them."""
    try:
        create_topics(KAFKA_EVENTS, partitions=3)
    except KafkaException as exc:
        if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    producer = Producer({"bootstrap.servers": kafka_address, "acks": "all", "log_level": 0, "linger.ms": 0})

    def write(events: Sequence[Event]) -> None:
        for record in map(to_kafka, events):
            producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        assert producer.flush(20) == 0

    return write


def test_tail_kafka_shows_the_newest_last(
    kafka_address: str, unique_name: str, produce: Callable[[Sequence[Event]], None]
) -> None:
    """Without -f the last lines of all partitions come in order, and the command ends."""
    events = [_now(crossing_event(n, camera=f"{unique_name}-{n % 4}"), ago_s=100 - n) for n in range(1, 41)]
    produce(events)
    cameras = [option for n in range(4) for option in ("--camera", f"{unique_name}-{n}")]
    shown = _run("--kafka", kafka_address, *cameras, "-n", "10", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert _ids(shown.stdout.splitlines()) == [event.id for event in events[-10:]]


def test_tail_kafka_opens_batches_that_were_kept_whole(
    kafka_address: str, unique_name: str, produce: Callable[[Sequence[Event]], None]
) -> None:
    """The events of a batch are shown one by one, among those that have a record of their own."""
    events = [_now(crossing_event(n, node=unique_name, camera=unique_name), ago_s=100 - n) for n in range(1, 11)]
    produce(events[7:8])
    batch = BatchPacker().pack(unique_name, [to_mqtt(event) for event in (*events[:7], *events[8:])]).message
    record = batch_record(unique_name, batch.payload)
    producer = Producer({"bootstrap.servers": kafka_address, "acks": "all", "log_level": 0})
    producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
    assert producer.flush(20) == 0
    shown = _run("--kafka", kafka_address, "--camera", unique_name, "-n", "5", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert _ids(shown.stdout.splitlines()) == [event.id for event in events[-5:]]


def test_tail_kafka_shows_what_was_recorded_since(
    apache_kafka_address: str, unique_name: str, produce: Callable[[Sequence[Event]], None]
) -> None:
    """--since looks at when the edge recorded an event, and then shows all of them."""
    old = [_now(crossing_event(n, camera=unique_name), ago_s=3600) for n in range(1, 6)]
    new = [_now(crossing_event(n, camera=unique_name), ago_s=60) for n in range(6, 36)]
    produce([*old, *new])
    shown = _run("--kafka", apache_kafka_address, "--camera", unique_name, "--since", "10m", "--json")
    assert _ids(shown.stdout.splitlines()) == [event.id for event in new]


def test_tail_kafka_follows(kafka_address: str, unique_name: str, produce: Callable[[Sequence[Event]], None]) -> None:
    """-f says what it waits for, shows what comes once, and ends quietly on Ctrl-C with 130."""
    tail = TailProcess("--kafka", kafka_address, "--camera", unique_name, "-f", "--json")
    tail.wait_for(lambda: any("waiting for events" in line for line in tail.notices), "the notice")
    events = [_now(crossing_event(n, camera=unique_name)) for n in range(1, 4)]
    produce([*events, events[0]])
    tail.wait_for(lambda: len(tail.lines) >= 3, "three events")
    produce([_now(crossing_event(4, camera=unique_name))])
    tail.wait_for(lambda: len(tail.lines) >= 4, "the last event")
    assert tail.end() == 130
    assert len(tail.lines) == 4
    assert len(tail.notices) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tail_store_shows_and_follows(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """A store's newest events come first, then, in order and once, what is written meanwhile."""
    url = f"sqlite:///{tmp_path}/e.db" if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))
    store = open_store(url)
    store.write([to_kafka(crossing_event(n)) for n in range(1, 1201)])
    tail = TailProcess("--store", url, "-n", "700", "-f", "--json")
    tail.wait_for(lambda: len(tail.lines) >= 700, "the past")
    store.write([to_kafka(crossing_event(n)) for n in range(1201, 1301)])
    tail.wait_for(lambda: len(tail.lines) >= 800, "what comes")
    assert tail.end() == 130
    assert _ids(tail.lines) == [crossing_event(n).id for n in range(501, 1301)]
    store.close()


def test_tail_mqtt_shows_what_is_published(mqtt_address: str, unique_name: str) -> None:
    """A broker's events come as they are published, readable; one that is delivered twice is shown once."""
    host, _, port = mqtt_address.partition(":")
    tail = TailProcess("--mqtt", f"mqtt://{mqtt_address}", "--camera", f"{unique_name}/door")
    tail.wait_for(lambda: any("waiting for events" in line for line in tail.notices), "the notice")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect(host, int(port))
    client.loop_start()
    for event in (crossing_event(1, node=unique_name), crossing_event(1, node=unique_name)):
        message = to_mqtt(event)
        client.publish(message.topic, message.payload, qos=1).wait_for_publish(10)
    client.publish(f"winnow/v1/{unique_name}/events/door", b"rubbish", qos=1).wait_for_publish(10)
    message = to_mqtt(crossing_event(2, node=unique_name))
    client.publish(message.topic, message.payload, qos=1).wait_for_publish(10)
    tail.wait_for(lambda: len(tail.lines) >= 2, "two events")
    client.disconnect()
    client.loop_stop()
    assert tail.end() == 130
    assert [line.split()[-5:] for line in tail.lines] == [
        ["person/1", "crossed", "line", "door,", "in"],
        ["person/2", "crossed", "line", "door,", "in"],
    ]


@contextlib.contextmanager
def _silent_server() -> Iterator[str]:
    """Listen, accept and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--kafka", "{address}"],
        ["--mqtt", "mqtt://{address}"],
        ["--store", "postgresql://nobody@{address}/none"],
    ],
)
@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
def test_tail_out_of_reach_is_one_line(arguments: list[str], silent: bool) -> None:  # noqa: FBT001 - a parameter
    """What refuses the connection or never answers is told in one line, exit code 2, within seconds."""
    with _silent_server() if silent else contextlib.nullcontext(f"127.0.0.1:{free_port()}") as address:
        started = time.monotonic()
        shown = _run(*(argument.format(address=address) for argument in arguments))
    assert (shown.returncode, shown.stdout) == (2, "")
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stderr.startswith("error: ")
    assert address in shown.stderr
    assert time.monotonic() - started < 12


def test_tail_ends_quietly_when_its_reader_has_enough(tmp_path: Path) -> None:
    """A closed pipe ends the command with 141 and without a word."""
    store = open_store(f"sqlite:///{tmp_path}/e.db")
    store.write([to_kafka(crossing_event(n)) for n in range(1, 3001)])
    store.close()
    for form in ([], ["--json"]):
        process = subprocess.Popen(
            [*TAIL, "--store", f"sqlite:///{tmp_path}/e.db", "-n", "3000", *form],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20) == 141
        assert process.stderr.read() == b""
        process.stderr.close()

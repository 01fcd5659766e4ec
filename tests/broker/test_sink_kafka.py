"""The sink between a real Kafka and real databases: every record is stored exactly once, whatever is killed."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest
import yaml
from confluent_kafka import KafkaException, Producer
from confluent_kafka.cimpl import KafkaError

from scripts.services import PostgresServer, ServerMissing
from scripts.services.local_server import free_port
from tests.end_to_end.kafka_topics import end_offsets
from winnow.cloud_sink.service import run_sink
from winnow.cloud_sink.settings import MetricsSettings, SinkSettings, StoreSettings
from winnow.cloud_sink.store import EventFilter, Store, open_store
from winnow.cloud_sink.testing import crossing_event, thumbnail_of
from winnow.events import Event
from winnow.events.batch import BatchPacker
from winnow.events.kafka import KafkaRecord, batch_record, status_record, to_kafka
from winnow.events.mqtt import to_mqtt
from winnow.events.status import NodeStatus, encode_status
from winnow.events.topics import KAFKA_DEADLETTER, KAFKA_TOPICS
from winnow.runtime.clock import SystemClock
from winnow.runtime.kafka import KafkaSettings

WAIT_S = 40
Produce = Callable[[Sequence[KafkaRecord]], None]


@pytest.fixture
def produce(kafka_address: str, create_topics: Callable[..., None]) -> Produce:
    """Return a function that writes records to the contract's topics and waits until Kafka has them."""
    for topic in KAFKA_TOPICS:
        try:
            create_topics(topic, partitions=3)
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    producer = Producer({"bootstrap.servers": kafka_address, "acks": "all", "log_level": 0, "linger.ms": 5})

    def write(records: Sequence[KafkaRecord]) -> None:
        for record in records:
            producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        assert producer.flush(20) == 0

    return write


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/events.db"
    return str(request.getfixturevalue("postgres_url"))


def _new_store(url: str, kafka_address: str) -> Store:
    """Return an empty store for which Kafka begins behind what other tests have left there."""
    store = open_store(url)
    store.write([], end_offsets(kafka_address, KAFKA_TOPICS))
    return store


def _settings(kafka_address: str, store_url: str, group: str) -> SinkSettings:
    return SinkSettings(
        kafka=KafkaSettings(bootstrap_servers=kafka_address),
        group=group,
        store=StoreSettings(url=store_url),
        batch_records=50,
        metrics=MetricsSettings(port=0),
    )


@contextmanager
def _running(settings: SinkSettings) -> Iterator[None]:
    """Run a sink on a thread; it must end by itself within ten seconds of being asked to."""
    stopping = Flag()
    thread = Thread(target=run_sink, args=(settings, stopping, SystemClock()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(10)
    assert not thread.is_alive()


def _wait_for(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {WAIT_S} s"
        time.sleep(0.1)


def _stored(store: Store, node: str) -> list[int]:
    """Return the sequences of a node's events in the store, in ascending order, one entry a row."""
    return sorted(event.sequence for event in store.events(EventFilter(nodes=(node,)), limit=10_000))


def test_sink_stores_what_kafka_holds_once(
    kafka_address: str, store_url: str, unique_name: str, produce: Produce
) -> None:
    """Events, thumbnails and states arrive; records that are in Kafka twice are stored once; offsets are at the end."""
    node = unique_name
    first = crossing_event(1, node=node)
    others = [to_kafka(crossing_event(n, node=node, camera=f"cam-{n % 5}")) for n in range(3, 203)]
    online = NodeStatus(state="online", since=first.time, version="1")
    records = [
        to_kafka(first),
        to_kafka(thumbnail_of(first, 2)),
        *others,
        status_record(node, None, encode_status(online)),
    ]
    store = _new_store(store_url, kafka_address)
    produce(records)
    produce(records)
    with _running(_settings(kafka_address, store_url, unique_name)):
        _wait_for(lambda: len(_stored(store, node)) >= 201, "the events")
        marker = crossing_event(203, node=node)
        produce([to_kafka(marker)])
        _wait_for(lambda: 203 in _stored(store, node), "an event sent while the sink runs")
        _wait_for(lambda: any(row.node == node and row.state == "online" for row in store.nodes()), "the state")
        _wait_for(lambda: not [gap for gap in store.gaps(0) if gap.node == node], "the thumbnail")
    assert _stored(store, node) == [1, *range(3, 204)]
    [stored] = store.events(EventFilter(nodes=(node,)), limit=1)
    shown = [event for event in store.events(EventFilter(nodes=(node,)), limit=300) if event.thumbnail_id]
    assert [event.id for event in shown] == [first.id]
    assert stored.node == node
    store.close()


class SinkProcess:
    """`winnow sink` as a process of its own."""

    def __init__(self, settings: SinkSettings, directory: Path) -> None:
        self.port = free_port()
        document = settings.model_dump(mode="json", exclude_none=True) | {"metrics": {"port": self.port}}
        config = directory / "sink.yaml"
        config.write_text(yaml.safe_dump(document), encoding="utf-8")
        self.log = directory / f"sink-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "winnow.cli", "sink", "-c", str(config)], stdout=log, stderr=log
            )

    def healthy(self) -> bool:
        """Return whether it says so itself."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=1) as answer:
                return bool(json.load(answer)["ok"])
        except OSError:
            return False

    def alarms(self) -> list[str]:
        """Return the log's lines about missing sequences."""
        text = self.log.read_text(encoding="utf-8")
        return [line for line in text.splitlines() if "Sequences are missing" in line]

    def metric(self, name: str) -> float:
        """Return the value of a gauge without labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))

    def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code, which must come within ten seconds."""
        self.process.send_signal(number)
        return self.process.wait(10)


def _singly_and_in_batches(events: Sequence[Event]) -> list[KafkaRecord]:
    """Return records of every other event, and batches of 125 of the rest, as they may come from one gateway."""
    packer, node = BatchPacker(), events[0].node
    packed = [events[at : at + 250 : 2] for at in range(1, len(events), 250)]
    batches = [batch_record(node, packer.pack(node, list(map(to_mqtt, those))).message.payload) for those in packed]
    return [*batches, *map(to_kafka, events[::2])]


def test_sink_killed_in_the_middle_stores_exactly_once(
    kafka_address: str, store_url: str, unique_name: str, produce: Produce, tmp_path: Path
) -> None:
    """A sink that is killed with SIGKILL and started again leaves no gap, no duplicate, and ends on SIGTERM.

    Every other event is in a batch that was kept whole, of more events than a transaction takes.
    """
    node, total = unique_name, 3000
    settings = _settings(kafka_address, store_url, unique_name)
    events = [crossing_event(n, node=node, camera=f"cam-{n % 7}") for n in range(1, total + 1)]
    store = _new_store(store_url, kafka_address)
    produce(_singly_and_in_batches(events[:2000]))
    victim = SinkProcess(settings, tmp_path)
    _wait_for(lambda: len(_stored(store, node)) >= 100, "the first events")
    assert victim.end(signal.SIGKILL) == -signal.SIGKILL
    at_kill = len(_stored(store, node))
    assert 100 <= at_kill < 2000, "the kill must hit the middle"

    produce(_singly_and_in_batches(events[2000:]))
    heir = SinkProcess(settings, tmp_path)
    try:
        _wait_for(lambda: len(_stored(store, node)) >= total, "the rest")
        _wait_for(heir.healthy, "health")
    finally:
        code = heir.end(signal.SIGTERM)
    assert code == 0, heir.log.read_text(encoding="utf-8")
    assert _stored(store, node) == list(range(1, total + 1))
    assert [gap for gap in store.gaps(0) if gap.node == node] == []
    assert sum(hour.count for hour in store.counts_per_hour(EventFilter(nodes=(node,)))) == total
    store.close()


def test_batches_kept_whole_are_stored_event_by_event(
    kafka_address: str, unique_name: str, produce: Produce, tmp_path: Path
) -> None:
    """More events than a transaction takes, one that came alone before, a bad one: each is stored or refused once."""
    node = unique_name
    sent = [to_mqtt(crossing_event(n, node=node)) for n in range(1, 241)]
    sent[6] = replace(sent[6], payload=sent[6].payload.replace(b'"person"', b'""'))
    packer = BatchPacker()
    batches = [batch_record(node, packer.pack(node, sent[at : at + 120]).message.payload) for at in (0, 120)]
    store = _new_store(f"sqlite:///{tmp_path}/events.db", kafka_address)
    produce([to_kafka(crossing_event(30, node=node)), *batches, batches[0]])
    with _running(_settings(kafka_address, f"sqlite:///{tmp_path}/events.db", unique_name)):
        _wait_for(lambda: len(_stored(store, node)) >= 239, "all but one")
        produce([to_kafka(crossing_event(241, node=node))])
        _wait_for(lambda: 241 in _stored(store, node), "an event behind the batches")
    assert _stored(store, node) == [n for n in range(1, 242) if n != 7]
    assert [(letter.topic, letter.key) for letter in store.dead_letters() if node.encode() in letter.key] == [
        (KAFKA_DEADLETTER, f"winnow/v1/{node}/events/door".encode())
    ]
    assert not [gap for gap in store.gaps(0) if gap.node == node]
    store.close()


def test_sink_waits_for_a_database_that_is_down(kafka_address: str, unique_name: str, produce: Produce) -> None:
    """A database that is killed and comes back gets everything, once; the sink says so and goes on by itself."""
    try:
        server = PostgresServer()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    node = unique_name
    with ExitStack() as stack:
        stack.enter_context(server)
        before = _new_store(server.address, kafka_address)
        stack.enter_context(_running(_settings(kafka_address, server.address, unique_name)))
        produce([to_kafka(crossing_event(n, node=node)) for n in range(1, 101)])
        _wait_for(lambda: len(_stored(before, node)) == 100, "events before the fault")
        before.close()
        server.kill()
        produce([to_kafka(crossing_event(n, node=node)) for n in range(101, 301)])
        time.sleep(2)
        server.start()
        after = open_store(server.address)
        _wait_for(lambda: len(_stored(after, node)) >= 300, "events after the fault")
        assert _stored(after, node) == list(range(1, 301))
        after.close()


def test_sink_waits_for_a_kafka_that_is_down(tmp_path: Path, unique_name: str) -> None:
    """Without Kafka the sink keeps trying, reports itself unwell, and still ends on SIGTERM within ten seconds."""
    settings = _settings(f"127.0.0.1:{free_port()}", f"sqlite:///{tmp_path}/events.db", unique_name)
    sink = SinkProcess(settings, tmp_path)
    _wait_for(lambda: b"Kafka does not answer" in sink.log.read_bytes(), "a warning")
    assert not sink.healthy()
    assert sink.end(signal.SIGTERM) == 0, sink.log.read_text(encoding="utf-8")


def test_sinks_of_one_group_share_the_work(
    apache_kafka_address: str, unique_name: str, produce: Produce, postgres_url: str
) -> None:
    """Two sinks of one group, the second joining and leaving on the way, store everything once."""
    node = unique_name
    settings = _settings(apache_kafka_address, postgres_url, unique_name)
    store = _new_store(postgres_url, apache_kafka_address)
    records = [to_kafka(crossing_event(n, node=node, camera=f"cam-{n % 7}")) for n in range(1, 601)]
    with _running(settings):
        produce(records[:200])
        _wait_for(lambda: len(_stored(store, node)) >= 200, "the first third")
        with _running(settings):
            produce(records[200:400])
            _wait_for(lambda: len(_stored(store, node)) >= 400, "the second third")
        produce(records[400:])
        _wait_for(lambda: len(_stored(store, node)) >= 600, "the last third")
    assert _stored(store, node) == list(range(1, 601))
    assert [gap for gap in store.gaps(0) if gap.node == node] == []
    store.close()


def test_sink_raises_the_alarm_over_a_lost_sequence(
    kafka_address: str, unique_name: str, produce: Produce, tmp_path: Path
) -> None:
    """A sequence that never comes is an ERROR with the exact range, and shows in the metrics, once it is overdue."""
    url = f"sqlite:///{tmp_path}/events.db"
    _new_store(url, kafka_address).close()
    settings = _settings(kafka_address, url, unique_name)
    sink = SinkProcess(settings.model_copy(update={"lateness_s": 1}), tmp_path)
    produce([to_kafka(crossing_event(n, node=unique_name)) for n in (1, 2, 3, 7, 8)])
    _wait_for(lambda: any(unique_name in line for line in sink.alarms()), "the alarm")
    [alarm] = [json.loads(line) for line in sink.alarms() if unique_name in line]
    facts = {name: alarm[name] for name in ("level", "node", "epoch", "first", "last", "missing")}
    assert facts == {"level": "ERROR", "node": unique_name, "epoch": "e1", "first": 4, "last": 6, "missing": 3}
    assert sink.metric("winnow_sink_missing_sequences") >= 3
    assert sink.end(signal.SIGTERM) == 0

"""From Kafka into a table (P10): the sink beside a consumer that inserts row by row, on SQLite and PostgreSQL."""

import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import uuid4

import psycopg
from confluent_kafka import Producer
from sqlalchemy import create_engine, text

from benchmarks.harness.cost import Cost, in_turns, run_subject
from benchmarks.harness.kafka_records import make_topic
from benchmarks.harness.report import Report, Target
from benchmarks.harness.running import process_tree_cpu_s
from scripts.services import KafkaServer, PostgresServer
from winnow.cloud_sink.testing import crossing_event
from winnow.events.kafka import to_kafka
from winnow.events.topics import KAFKA_TOPICS

EVENTS: Final = 5_000
ROUNDS: Final = 3
CAMERAS: Final = 8
SLOWEST: Final = "a commit a row"
COMMITS: Final = {SLOWEST: "1", "a commit every 500 rows": "500"}
WINNOW: Final = "Winnow's sink"
COMPARED: Final = (
    "id, source, node, camera, kind, label, subject, time, epoch, sequence, recorded_at, data_json, traceparent"
)
"""All columns but `position` and `stored_at`, which are each consumer's own, and `digest`, which only Winnow fills."""


def measure() -> Report:
    """Return time and processor time a row of each, and whether the tables hold the same."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    with KafkaServer() as kafka, PostgresServer() as server, tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        address = f"127.0.0.1:{kafka.port}"
        _fill(address)
        for database, fresh in {
            "SQLite": partial(_file, Path(folder)),
            "PostgreSQL": partial(_database, server),
        }.items():
            costs, tables = _compared(address, fresh, server)
            wall_us = {name: median(cost.wall_s for cost in those) / EVENTS * 1e6 for name, those in costs.items()}
            cpu_us = {name: median(cost.cpu_s for cost in those) / EVENTS * 1e6 for name, those in costs.items()}
            same = {name: len(table) == EVENTS and table == tables[WINNOW] for name, table in tables.items()}
            rows += [
                (database, name, f"{wall_us[name]:.0f}", f"{cpu_us[name]:.0f}", "yes" if same[name] else "NO")
                for name in costs
            ]
            faster = wall_us[SLOWEST] / wall_us[WINNOW] if all(same.values()) else None
            what = f"Kafka → {database}: rows a second ÷ a commit a row, rows equal"
            targets.append(Target(number="P10", what=what, measured=faster, limit=5, bound="at least"))
    return Report(
        title=f"Kafka → table, {EVENTS} events, median of {ROUNDS} rounds in turns",
        columns=("database", "consumer", "µs a row", "CPU, µs a row, PostgreSQL's too", "same rows"),
        rows=rows,
        targets=targets,
        notes=[
            "Row by row: confluent-kafka, json.loads, one INSERT, no checks, no offsets in the database.",
            "Winnow also checks every field, finds what came before, and counts hours.",
            "It keeps accounts of nodes, cameras and sequences, and stores the offsets in the same transaction.",
        ],
    )


def _fill(kafka: str) -> None:
    for topic in KAFKA_TOPICS:
        make_topic(kafka, topic)
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(1, EVENTS + 1):
        label = "car" if number % 50 == 0 else "person"
        record = to_kafka(crossing_event(number, camera=f"cam-{number % CAMERAS}", label=label))
        producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        producer.poll(0)
    producer.flush()


def _file(folder: Path) -> str:
    return f"sqlite:///{folder / uuid4().hex}.db"


def _database(server: PostgresServer) -> str:
    name = f"bench_{uuid4().hex}"
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.address.rpartition("/")[0] + f"/{name}"


def _compared(
    kafka: str, fresh: Callable[[], str], server: PostgresServer
) -> tuple[dict[str, list[Cost]], dict[str, list[Any]]]:
    """Return each consumer's costs, and the rows that it made in the last round."""
    tables: dict[str, list[Any]] = {}

    def run(name: str, how: str) -> Cost:
        url, before_s = fresh(), _server_cpu_s(server.pid)
        cost = run_subject("kafka_to_table", how, kafka, url, str(EVENTS))
        cpu_s = cost.cpu_s + _server_cpu_s(server.pid) - before_s
        tables[name] = _rows(url)
        return Cost(cpu_s=cpu_s, wall_s=cost.wall_s, memory_mib=cost.memory_mib)

    subjects = {WINNOW: "winnow", **COMMITS}
    return in_turns({name: partial(run, name, how) for name, how in subjects.items()}, ROUNDS), tables


def _server_cpu_s(pid: int) -> float:
    """Return processor seconds of a server and all its children so far, also of those that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ended_s = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    return ended_s + process_tree_cpu_s(pid)


def _rows(url: str) -> list[Any]:
    """Return the rows that are compared, in the order of their ids."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = connection.execute(text(f"SELECT {COMPARED} FROM events ORDER BY id"))  # noqa: S608 - our own columns
        rows = [tuple(map(_plain, row)) for row in found]
    engine.dispose()
    return rows


def _plain(value: Any) -> Any:
    """Return a value as it can be compared: SQLite keeps times as text, with or without a fraction."""
    if isinstance(value, str) and value[4:5] == "-" and value[10:11] == " ":
        return datetime.fromisoformat(value)
    return value.astimezone() if isinstance(value, datetime) else value

"""From Kafka into a table, for as many events as Kafka holds: `kafka_to_table HOW KAFKA STORE EVENTS`.

HOW is `winnow`, or the number of rows after which the consumer that people write first commits: confluent-kafka, one
record after the other, `json.loads`, one INSERT. Both write into the same table, with its unique key and its indexes,
and every commit is on the disk. Time counts from the assignment of partitions to the last commit.
"""

import asyncio
import json
import sqlite3
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final, cast

import psycopg
from confluent_kafka import Consumer, Message

from benchmarks.harness.cost import costing
from winnow.cloud_sink.consumer import SinkConsumer
from winnow.cloud_sink.metrics import SinkMetrics
from winnow.cloud_sink.settings import SinkSettings
from winnow.cloud_sink.store import Store, TopicPartition, WriteResult, open_store
from winnow.events.kafka import KafkaRecord
from winnow.events.topics import KAFKA_EVENTS

COLUMNS: Final = (
    "id", "source", "node", "camera", "kind", "label", "subject", "time", "epoch", "sequence",
    "recorded_at", "stored_at", "data_json", "traceparent", "digest",
)  # fmt: skip


class _Watched:
    """A store that notes when it is asked where to begin, and when it holds enough."""

    def __init__(self, store: Store, events: int, done: threading.Event, began: Callable[[], None]) -> None:
        self._store = store
        self._left = events
        self._done = done
        self._began = began

    def offsets(self) -> dict[TopicPartition, int]:
        """Return the store's offsets; a consumer asks for them when it has its partitions."""
        self._began()
        return self._store.offsets()

    def write(self, records: Sequence[KafkaRecord], offsets: Mapping[TopicPartition, int]) -> WriteResult:
        """Write, and count down."""
        result = self._store.write(records, offsets)
        self._left -= result.stored
        if self._left <= 0:
            self._done.set()
        return result


def run_winnow(kafka: str, url: str, events: int) -> None:
    """Let the sink's own consumer fill the store."""
    settings = SinkSettings.model_validate({"kafka": {"bootstrap_servers": kafka}, "store": {"url": url}})
    store, done, stack = open_store(url), threading.Event(), ExitStack()
    watched = _Watched(store, events, done, lambda: stack.enter_context(costing({})))

    async def until_done() -> None:
        consumer = SinkConsumer(settings, store=cast("Store", watched), metrics=SinkMetrics())
        await consumer.run(done)

    with stack:
        asyncio.run(until_done())
    store.close()


def run_row_by_row(kafka: str, url: str, events: int, commit_every: int) -> None:
    """Consume, decode, insert, commit."""
    open_store(url).close()  # makes the tables
    connection, mark = _connected(url)
    insert = (
        f"INSERT INTO events ({', '.join(COLUMNS)}) VALUES ({', '.join([mark] * len(COLUMNS))}) ON CONFLICT DO NOTHING"  # noqa: S608
    )
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"rows-{url}", "auto.offset.reset": "earliest"})
    with ExitStack() as stack:
        consumer.subscribe([KAFKA_EVENTS], on_assign=lambda *_: stack.enter_context(costing({})))
        written = 0
        while written < events:
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            connection.execute(insert, _row(message))
            written += 1
            if written % commit_every == 0 or written == events:
                connection.commit()
    consumer.close()
    connection.close()


def _connected(url: str) -> tuple[Any, str]:
    """Return a connection, and what stands for a value in its SQL."""
    if url.startswith("postgresql"):
        return psycopg.connect(url, options="-c timezone=UTC"), "%s"
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute("PRAGMA synchronous=FULL")
    return connection, "?"


def _row(message: Message) -> tuple[Any, ...]:
    """Return the values of a row, in the order of `COLUMNS`; times as both databases keep them."""
    headers: dict[str, bytes] = dict(cast("Any", message.headers()))
    told = {name.removeprefix("ce_"): value.decode() for name, value in headers.items()}
    data = json.loads(cast("bytes", message.value()))
    _, _, node, _, camera = told["source"].split("/")
    kind = told["type"].removeprefix("winnow.").removesuffix(".v1")
    time, recorded = (told[name].removesuffix("Z").replace("T", " ") for name in ("time", "recordedtime"))
    return (
        told["id"], told["source"], node, camera, kind, data["label"],
        told["subject"], time, told["epoch"], int(told["sequence"]), recorded, recorded, message.value(), None, "",
    )  # fmt: skip


def main() -> None:
    """Run one of both."""
    how, kafka, url, events = sys.argv[1:]
    if how == "winnow":
        run_winnow(kafka, url, int(events))
    else:
        run_row_by_row(kafka, url, int(events), int(how))


if __name__ == "__main__":
    main()

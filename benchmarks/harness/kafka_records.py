"""What Kafka holds: topics made, records counted and read."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

PARTITIONS: Final = 6
WITHIN_S: Final = 60.0


def make_topic(kafka: str, topic: str) -> None:
    """The topic is there."""
    admin = AdminClient({"bootstrap.servers": kafka})
    if topic not in admin.list_topics(timeout=WITHIN_S).topics:
        for made in admin.create_topics([NewTopic(topic, num_partitions=PARTITIONS, replication_factor=1)]).values():
            made.result()


def count_records(kafka: str, topic: str) -> int:
    """Return how many records a topic holds."""
    with _reader(kafka) as consumer:
        parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return sum(_end_of(consumer, part) for part in parts)


def identities(kafka: str, topic: str) -> list[bytes]:
    """Return what tells events apart: the id in Winnow's header, or the whole event as others keep it."""
    found = []
    with _reader(kafka) as consumer:
        for number in range(PARTITIONS):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=WITHIN_S)
            consumer.assign([TopicPartition(topic, number, low)])
            while low < high:
                message = consumer.poll(WITHIN_S)
                if message is None:
                    raise TimeoutError("Kafka does not hand over what it has")
                low = (message.offset() or 0) + 1
                headers: dict[str, bytes] = dict(cast("Any", message.headers()) or [])
                found.append(headers.get("ce_id") or bytes(message.value() or b""))
    return found


@contextmanager
def _reader(kafka: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "bench", "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


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

"""How much Kafka holds, asked of Kafka itself."""

from collections.abc import Collection, Mapping

from confluent_kafka import Consumer, TopicPartition

from winnow.events.topics import KAFKA_EVENTS, KAFKA_THUMBNAILS

_TIMEOUT_S = 10.0


def records_in_kafka(address: str | None) -> int:
    """Return how many event and thumbnail records were ever written, repeats included; 0 without a Kafka."""
    return sum(end_offsets(address).values()) if address else 0


def waiting_in_kafka(address: str | None, offsets: Mapping[tuple[str, int], int]) -> int:
    """Return how many records lie beyond the next offsets of a store; 0 without a Kafka."""
    return sum(end - offsets.get(partition, 0) for partition, end in end_offsets(address).items()) if address else 0


def end_offsets(address: str, names: Collection[str] = (KAFKA_EVENTS, KAFKA_THUMBNAILS)) -> dict[tuple[str, int], int]:
    """Return the next offset of every partition of these topics, as far as they exist."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "watcher"})
    try:
        topics = consumer.list_topics(timeout=_TIMEOUT_S).topics
        return {
            (name, number): consumer.get_watermark_offsets(TopicPartition(name, number), timeout=_TIMEOUT_S)[1]
            for name in names
            if name in topics
            for number in topics[name].partitions
        }
    finally:
        consumer.close()

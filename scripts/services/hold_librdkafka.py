"""Keep librdkafka's mock cluster alive and write its port to a file; ended by a signal."""

import signal
import sys
from pathlib import Path

from confluent_kafka import Producer


def hold_cluster(port_file: Path) -> None:
    """Start a cluster of one broker, write its port, and wait for a signal to end the process."""
    producer = Producer({"bootstrap.servers": "unused:1", "test.mock.num.brokers": 1})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    complete = port_file.with_suffix(".new")
    complete.write_text(str(broker.port), encoding="utf-8")
    complete.replace(port_file)
    signal.pause()


if __name__ == "__main__":
    hold_cluster(Path(sys.argv[1]))

"""An edge that a test can kill: a known series of messages through the real spool and publisher, every step journalled.

Run as `python -m tests.faults.feeder`. Started again on the same spool and journal, it goes on with the next number.
SIGTERM ends it: it then waits for the receipts of all that it has, and its exit code is 0 if none is missing.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry

from tests.faults.journal import JournalWriter, read_journal
from winnow.events import Event, Thumbnail
from winnow.pipeline.delivery import (
    DeliveryMetrics,
    HandOver,
    Packing,
    Publisher,
    SpoolOutbox,
    SqliteSpool,
    paho_connect,
)
from winnow.pipeline.delivery.testing import crossing, thumbnail, update
from winnow.pipeline.delivery.window import FIRST_RETRY_S
from winnow.runtime.clock import SystemClock
from winnow.runtime.logs import configure_logging
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.stopping import stop_on_signals

STEPS_PER_S: Final = 30
DRAIN_WITHIN_S: Final = 40.0
VERSION: Final = "oracle"
CAMERAS: Final = ("door", "yard")


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What a feeder does; on its command line as JSON.

    Attributes:
        steps_per_s: events a second; every third one has a thumbnail.
        thumbnail_bytes: size of each thumbnail.
        retry_s: a message without a receipt is sent again after so long.
        is_single: publish each message on its own topic instead of in batches.
        max_bytes: quota of the spool.
    """

    steps_per_s: int = STEPS_PER_S
    thumbnail_bytes: int = 4000
    retry_s: float = FIRST_RETRY_S
    is_single: bool = False
    max_bytes: int = 256 * 1024 * 1024


class JournalledSpool(SqliteSpool):
    """A spool that writes down what it accepted, once that is durable.

    Attributes:
        journal: where.
        numbers: the step of each message that was handed over and is not accepted yet.
    """

    journal: JournalWriter
    numbers: dict[str, int]

    def append(self, messages: Sequence[Event | Thumbnail]) -> list[Event | Thumbnail]:
        """See `SqliteSpool.append`."""
        recorded = super().append(messages)
        for message in recorded:
            self.journal.write("accepted", self.numbers.pop(message.id), [message])
        return recorded


def messages_of(number: int, node: str, feed: Feed) -> list[Event | Thumbnail]:
    """Return the messages of one step: a crossing with its thumbnail, or an update; the cameras take turns."""
    camera = CAMERAS[number % len(CAMERAS)]
    if number % 3 == 0:
        picture = thumbnail(number, size_bytes=feed.thumbnail_bytes, node=node, camera=camera)
        return [crossing(number, node=node, camera=camera), picture]
    return [update(number, node=node, camera=camera)]


def main(arguments: Sequence[str]) -> int:
    """Feed until SIGTERM; return 0 if everything was receipted."""
    parser = argparse.ArgumentParser()
    for name in ("--node", "--mqtt", "--folder", "--feed"):
        parser.add_argument(name, required=True)
    chosen = parser.parse_args(arguments)
    folder, clock, metrics = Path(chosen.folder), SystemClock(), DeliveryMetrics(CollectorRegistry())
    feed = msgspec.json.decode(chosen.feed, type=Feed)
    configure_logging()
    number = read_journal(folder / "journal.jsonl").last_number + 1
    spool = JournalledSpool(
        folder / "spool.sqlite", node=chosen.node, clock=clock, metrics=metrics, max_bytes=feed.max_bytes
    )
    spool.numbers = {}
    spool.journal = JournalWriter(folder / "journal.jsonl")
    publisher = Publisher(
        spool,
        connect=paho_connect(MqttSettings(url=chosen.mqtt), node=chosen.node, version=VERSION, clock=clock),
        version=VERSION,
        clock=clock,
        metrics=metrics,
        packing=None if feed.is_single else Packing(spool.node, wait_s=0.8),
        first_retry_s=feed.retry_s,
    )
    outbox = SpoolOutbox(spool, notify=publisher.notify, metrics=metrics)
    publisher.start()
    with stop_on_signals() as stopping:
        hand_over = HandOver(outbox, metrics=metrics, stopping=stopping)
        hand_over.start()
        next_at_s = time.monotonic()
        while not stopping.wait(max(0.0, next_at_s - time.monotonic())):
            messages = messages_of(number, chosen.node, feed)
            spool.numbers |= {message.id: number for message in messages}
            spool.journal.write("issued", number, messages)
            hand_over.take(messages)
            number += 1
            next_at_s = max(next_at_s + 1 / feed.steps_per_s, time.monotonic() - 1.0)
    is_written = hand_over.close(DRAIN_WITHIN_S / 2)
    publisher.stop(DRAIN_WITHIN_S)
    return 0 if is_written and spool.depth == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

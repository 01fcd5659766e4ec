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

from prometheus_client import CollectorRegistry

from tests.faults.journal import JournalWriter, read_journal
from winnow.events import Event, Thumbnail
from winnow.pipeline.delivery import DeliveryMetrics, Packing, Publisher, SpoolOutbox, SqliteSpool, paho_connect
from winnow.pipeline.delivery.testing import crossing, thumbnail, update
from winnow.runtime.clock import SystemClock
from winnow.runtime.logs import configure_logging
from winnow.runtime.mqtt import MqttSettings
from winnow.runtime.stopping import stop_on_signals

STEPS_PER_S: Final = 30
DRAIN_WITHIN_S: Final = 40.0
VERSION: Final = "oracle"


class JournalledSpool(SqliteSpool):
    """A spool that writes down what it accepted, once that is durable.

    Attributes:
        journal: where.
        number: the step under way.
    """

    journal: JournalWriter
    number: int

    def append(self, messages: Sequence[Event | Thumbnail]) -> list[Event | Thumbnail]:
        """See `SqliteSpool.append`."""
        recorded = super().append(messages)
        self.journal.write("accepted", self.number, recorded)
        return recorded


def messages_of(number: int, node: str) -> list[Event | Thumbnail]:
    """Return the messages of one step: a crossing with its thumbnail, or an update."""
    if number % 3 == 0:
        return [crossing(number, node=node), thumbnail(number, size_bytes=4000, node=node)]
    return [update(number, node=node)]


def main() -> int:
    """Feed until SIGTERM; return 0 if everything was receipted."""
    parser = argparse.ArgumentParser()
    for name in ("--node", "--mqtt", "--folder"):
        parser.add_argument(name, required=True)
    chosen = parser.parse_args()
    folder, clock, metrics = Path(chosen.folder), SystemClock(), DeliveryMetrics(CollectorRegistry())
    configure_logging()
    number = read_journal(folder / "journal.jsonl").last_number + 1
    spool = JournalledSpool(
        folder / "spool.sqlite", node=chosen.node, clock=clock, metrics=metrics, max_bytes=256 * 1024 * 1024
    )
    spool.journal = JournalWriter(folder / "journal.jsonl")
    connect = paho_connect(MqttSettings(url=chosen.mqtt), node=chosen.node, version=VERSION, clock=clock)
    packing = Packing(spool.node, wait_s=0.8)
    publisher = Publisher(spool, connect=connect, version=VERSION, clock=clock, metrics=metrics, packing=packing)
    outbox = SpoolOutbox(spool, notify=publisher.notify, metrics=metrics)
    publisher.start()
    with stop_on_signals() as stopping:
        next_at_s = time.monotonic()
        while not stopping.wait(max(0.0, next_at_s - time.monotonic())):
            spool.number = number
            messages = messages_of(number, chosen.node)
            spool.journal.write("issued", number, messages)
            outbox.accept(messages)
            number += 1
            next_at_s += 1 / STEPS_PER_S
    publisher.stop(DRAIN_WITHIN_S)
    return 0 if spool.depth == 0 else 1


if __name__ == "__main__":
    sys.exit(main())

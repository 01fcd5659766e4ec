"""A camera's side of a disk that stalls: hands over at a steady rate, and tells when it did and what was accepted.

Run as `python -m tests.faults.disk.handing SPOOL STEPS PER_S`. Lines as `writer` writes them; `handed NUMBER MS`: how
long the camera was held; and `ended CODE`. SIGTERM ends it as it ends an edge.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from tests.faults.disk.writer import NODE, batch, tell
from winnow.cli.edge_outbox import WRITE_WITHIN_S
from winnow.pipeline.delivery import DeliveryMetrics, HandOver, Message, SpoolOutbox, SqliteSpool
from winnow.runtime.clock import SystemClock
from winnow.runtime.stopping import stop_on_signals

LEFT: Final = 4
"""Exit code when the disk did not take everything in time."""


class TellingSpool(SqliteSpool):
    """A spool that tells what it has accepted, once that is durable."""

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """See `SqliteSpool.append`."""
        recorded = super().append(messages)
        numbers = [one.recorded.sequence for one in recorded if one.recorded]
        tell("accepted", self.epoch, numbers[0], numbers[-1])
        return recorded


def main(arguments: Sequence[str]) -> int:
    """Hand over so many batches, or until SIGTERM; return 0 once all are accepted, `LEFT` if the disk hangs."""
    path, steps, per_s = Path(arguments[0]), int(arguments[1]), float(arguments[2])
    metrics = DeliveryMetrics(CollectorRegistry())
    spool = TellingSpool(
        path, node=NODE, clock=SystemClock(), metrics=metrics, max_bytes=2**26, free_floor_bytes=64 * 1024
    )
    tell("opened", spool.epoch, spool.last_sequence)
    with stop_on_signals() as stopping:
        outbox = SpoolOutbox(spool, notify=lambda: None, metrics=metrics)
        hand_over = HandOver(outbox, metrics=metrics, stopping=stopping)
        hand_over.start()
        for number in range(steps):
            began_s = time.monotonic()
            hand_over.take(batch(number))
            tell("handed", number, round(1000 * (time.monotonic() - began_s), 3))
            if stopping.wait(1 / per_s):
                break
        code = 0 if hand_over.close(WRITE_WITHIN_S) else LEFT
    tell("ended", code)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

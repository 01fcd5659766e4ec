"""A process that appends to a spool and acknowledges, and tells what is accepted on standard output.

Run as `python -m tests.faults.disk.writer SPOOL STEPS`. Each line is a step: `accepted EPOCH FIRST LAST` or
`receipted EPOCH UPTO` once the spool has agreed, `receipt EPOCH UPTO` just before it is asked.
"""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from tests.faults.disk.defects import DEFECTS
from winnow.events import Receipt
from winnow.pipeline.delivery import DeliveryMetrics, Message, SpoolError, SqliteSpool
from winnow.pipeline.delivery.testing import crossing, thumbnail, update
from winnow.runtime.clock import SystemClock

NODE: Final = "shop-1"
KEPT: Final = 60
"""So many messages wait at most: appends and receipts take turns, and the file stays small."""
REFUSED: Final = 3
"""Exit code when the spool has refused something: it said so, and accepted nothing of it."""


def open_spool(path: Path, *, max_bytes: int = 16 * 1024 * 1024) -> SqliteSpool:
    """Open the spool as an edge does, but for the floor of free space: the disks of these tests are small."""
    metrics = DeliveryMetrics(CollectorRegistry())
    return SqliteSpool(
        path, node=NODE, clock=SystemClock(), metrics=metrics, max_bytes=max_bytes, free_floor_bytes=64 * 1024
    )


def batch(number: int) -> list[Message]:
    """Return the messages of one step: three, of every kind, with a thumbnail over several pages."""
    return [crossing(number), update(number), thumbnail(number, size_bytes=3000 + 500 * (number % 20))]


def tell(*words: object) -> None:
    """Write a line at once, in one system call."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main(arguments: Sequence[str]) -> int:
    """Run the steps; return 0, or `REFUSED` if the spool has failed and said so."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spool", type=Path)
    parser.add_argument("steps", type=int)
    parser.add_argument("--defect", choices=list(DEFECTS))
    parser.add_argument("--kept", type=int, default=KEPT)
    parser.add_argument("--max-file-bytes", type=int, help="a write beyond is cut short, then refused")
    chosen = parser.parse_args(arguments)
    try:
        spool = open_spool(chosen.spool)
        if chosen.defect:
            DEFECTS[chosen.defect](spool, tell)
        if chosen.max_file_bytes:
            resource.setrlimit(resource.RLIMIT_FSIZE, (chosen.max_file_bytes, chosen.max_file_bytes))
        tell("opened", spool.epoch, spool.last_sequence)
        for number in range(chosen.steps):
            accepted = [one.recorded.sequence for one in spool.append(batch(number)) if one.recorded]
            tell("accepted", spool.epoch, accepted[0], accepted[-1])
            if spool.depth > chosen.kept:
                upto = spool.last_sequence - chosen.kept // 2
                tell("receipt", spool.epoch, upto)
                spool.acknowledge(Receipt(epoch=spool.epoch, upto=upto))
                tell("receipted", spool.epoch, upto)
    except SpoolError as exc:
        tell("refused", type(exc).__name__)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

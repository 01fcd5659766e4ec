"""One fault from start to verdict: feed, strike in the middle, heal, feed on, drain, compare with every store."""

import logging
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from scripts.services import LocalServer
from tests.end_to_end.contents import Contents, read_contents
from tests.end_to_end.installation import Installation
from tests.end_to_end.kafka_topics import records_in_kafka, waiting_in_kafka
from tests.end_to_end.processes import Killable, WinnowProcess, eventually
from tests.faults.feeder import DRAIN_WITHIN_S, STEPS_PER_S
from tests.faults.journal import Journal, read_journal
from tests.faults.oracle import Findings, examine
from winnow.cloud_sink.store import Store, open_store

logger = logging.getLogger(__name__)

EDGE: Final = "edge"
BROKER: Final = "broker"
FRESH_WITHIN_S: Final = 10.0
"""After healing, an event accepted from now on is in every store within this time."""
SETTLE_WITHIN_S: Final = 20.0
BETWEEN_KILLS: Final = 15
"""Messages accepted between two kills."""
FEED_WITHIN_S: Final = 40.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a run saw, for people."""

    killed: list[str] = field(default_factory=list)
    accepted_before: int = 0
    accepted_meanwhile: int = 0
    accepted: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    kafka_repeats: int = 0
    outage_s: float = 0.0
    fresh_after_s: dict[str, float] = field(default_factory=dict)


class FaultRun:
    """A feeder of its own on an installation; a context manager that feeds meanwhile.

    Args:
        installation: what lies behind the edge.
        node: the feeder's.
        folder: for spool, journal and log.
    """

    def __init__(self, installation: Installation, *, node: str, folder: Path) -> None:
        self.figures = Figures()
        self._installation = installation
        self._node = node
        self._journal_path = folder / "journal.jsonl"
        arguments = ("--node", node, "--mqtt", installation.mqtt_url, "--folder", str(folder))
        self._feeder = WinnowProcess("feeder", (sys.executable, "-m", "tests.faults.feeder", *arguments), folder=folder)
        self._parts: dict[str, Killable] = {**installation.parts, EDGE: self._feeder}
        self._kafka_records = records_in_kafka(installation.kafka_address)

    def __enter__(self) -> Self:
        self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._feeder.__exit__(None, None, None)

    def journal(self) -> Journal:
        """Return what was issued and accepted so far."""
        return read_journal(self._journal_path)

    def contents(self) -> dict[str, Contents]:
        """Return what each store holds of this run's node."""
        return {name: read_contents(url, self._node) for name, url in self._installation.stores.items()}

    def feed(self, steps: int) -> None:
        """Return once so many more messages were accepted."""
        wanted = len(self.journal().accepted) + steps
        eventually(
            lambda: len(self.journal().accepted) >= wanted,
            FEED_WITHIN_S,
            lambda: f"nothing fed:\n{self._feeder.log_tail()}",
        )

    def flow(self) -> None:
        """Return once messages run through to every store."""
        eventually(
            lambda: all(len(held.rows) >= STEPS_PER_S for held in self.contents().values()),
            SETTLE_WITHIN_S,
            lambda: f"nothing arrives: {self._installation.logs}",
        )

    def strike(self, victims: Sequence[str], *, outage_s: float) -> None:
        """Kill the victims one after the other while the edge goes on, wait for a while, and start them again.

        Between two kills messages pile up before the one that has just died, in the next one if that takes them. The
        broker comes back without any memory. An edge among several victims is killed last.
        """
        figures, former = self.figures, {name: self._parts[name].pid for name in victims}
        figures.accepted_before = len(self.journal().accepted)
        struck_at_s = time.monotonic()
        behind = [name for name in victims if name != EDGE]
        for name in behind:
            self._parts[name].kill()
            self.feed(BETWEEN_KILLS)
        if behind:
            self.feed(round(outage_s * STEPS_PER_S))
        if EDGE in victims:
            self._feeder.kill()
        figures.killed = list(victims)
        assert not [name for name, pid in former.items() if _exists(pid)], "killed, and still there"
        figures.accepted_meanwhile = len(self.journal().accepted) - figures.accepted_before
        for name in [name for name in self._parts if name in victims]:
            part = self._parts[name]
            if name == BROKER and isinstance(part, LocalServer):
                part.wipe()
            part.start()
            assert part.pid != former[name], f"{name} was not started again"
        figures.outage_s = time.monotonic() - struck_at_s

    def heal(self) -> None:
        """Return once an event accepted after this call is in every store; fail if that takes too long."""
        healed_at_s = time.monotonic()
        known = len(self.journal().accepted)

        def fresh() -> list[tuple[str, int]]:
            after = self.journal().accepted[known:]
            return [(entry.epoch, entry.sequence) for entry in after if entry.kind == "line.crossed"][:1]

        eventually(fresh, FRESH_WITHIN_S, lambda: f"the edge accepts nothing:\n{self._feeder.log_tail()}")
        (place,) = fresh()
        missing = set(self._installation.stores)
        until_s = healed_at_s + FRESH_WITHIN_S
        while missing:
            for name, held in self.contents().items():
                if name in missing and any((row.epoch, row.sequence) == place for row in held.rows):
                    self.figures.fresh_after_s[name] = round(time.monotonic() - healed_at_s, 2)
                    missing.discard(name)
            assert not missing or time.monotonic() < until_s, (
                f"{place} is not in {missing} {FRESH_WITHIN_S} s after healing: {self._installation.logs}"
            )

    def drain(self) -> None:
        """End the feeder; return once it has every receipt, and the sinks have read whatever Kafka holds."""
        code, _ = self._feeder.terminate(DRAIN_WITHIN_S + 5)
        assert code == 0, f"messages without a receipt:\n{self._feeder.log_tail()}"
        for name, url in self._installation.stores.items():
            with closing(open_store(url, create=False)) as store:
                self._catch_up(name, store)

    def _catch_up(self, name: str, store: Store) -> None:
        address = self._installation.kafka_address
        eventually(
            lambda: not waiting_in_kafka(address, store.offsets()), SETTLE_WITHIN_S, lambda: f"{name} lags behind Kafka"
        )

    def verdict(self) -> dict[str, Findings]:
        """Return what is wrong in each store; `figures` is complete."""
        journal, held = self.journal(), self.contents()
        self.figures.accepted = len(journal.accepted)
        self.figures.stored = {name: len(contents.rows) for name, contents in held.items()}
        in_kafka = records_in_kafka(self._installation.kafka_address) - self._kafka_records
        self.figures.kafka_repeats = max(0, in_kafka - max(self.figures.stored.values()))
        logger.info("fault run: %s", self.figures)
        return {name: examine(journal, contents) for name, contents in held.items()}

    def gaps(self) -> dict[str, int]:
        """Return how many gaps each store itself knows of this run's node."""
        found: dict[str, int] = {}
        for name, url in self._installation.stores.items():
            with closing(open_store(url, create=False)) as store:
                found[name] = sum(gap.node == self._node for gap in store.gaps(0.0))
        return found


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

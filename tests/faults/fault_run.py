"""One run from start to verdict: feed, let faults strike meanwhile, heal, drain, compare with every store."""

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

import msgspec

from tests.end_to_end.contents import Contents, read_contents, read_places
from tests.end_to_end.installation import Installation
from tests.end_to_end.kafka_topics import records_in_kafka, waiting_in_kafka
from tests.end_to_end.processes import PLANTED, Killable, WinnowProcess, eventually
from tests.faults.bounds import SPOOL_BYTES, Use, use_of
from tests.faults.feeder import DRAIN_WITHIN_S, STEPS_PER_S, Feed
from tests.faults.history import (
    DRAIN_FACTOR,
    FRESH_WITHIN_S,
    Began,
    Fact,
    Fresh,
    Struck,
    Used,
    Verdict,
    judge,
    read_history,
    write_history,
)
from tests.faults.journal import Journal, read_journal
from tests.faults.oracle import Findings, Holdings, Place, examine, place_of
from tests.faults.scale import SCALE
from tests.faults.strikes import BROKER, EDGE, End, Strike, begin
from tests.faults.summary import HISTORY
from winnow.cloud_sink.store import Store, open_store

logger = logging.getLogger(__name__)

SETTLE_WITHIN_S: Final = 20.0
BETWEEN_KILLS: Final = 15
"""Messages accepted between two kills."""
MESSAGES_PER_S: Final = STEPS_PER_S * 4 / 3
"""Every third step has a thumbnail as well."""
FEED_WITHIN_S: Final = 40.0


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a run saw, for people."""

    faults: int = 0
    accepted_before: int = 0
    accepted_meanwhile: int = 0
    accepted: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    kafka_repeats: int = 0
    slowest_fresh_s: float = 0.0


class FaultRun:
    """A feeder of its own on an installation; a context manager that feeds meanwhile.

    Args:
        installation: what lies behind the edge.
        node: the feeder's.
        folder: for spool, journal, log and history.
        scenario: what the run is about, for its history.
        feed: what the feeder does.
        defect: planted in the feeder.
        is_planted: there is a defect in the installation: the run is to be red, and no part of the summary.
        prefix: command that runs the feeder's command.
        mqtt_url: where the feeder finds the broker, if not where the installation says.
    """

    def __init__(  # noqa: PLR0913 - what a run depends on
        self,
        installation: Installation,
        *,
        node: str,
        folder: Path,
        scenario: str = "kills",
        feed: Feed | None = None,
        defect: str | None = None,
        is_planted: bool = False,
        prefix: Sequence[str] = (),
        mqtt_url: str | None = None,
    ) -> None:
        self.figures = Figures()
        self.facts: list[Fact] = [Began(scenario=scenario, node=node, seed=SCALE.seed)]
        self.history_path = folder / ("planted.jsonl" if defect or is_planted else HISTORY)
        self._installation = installation
        self._node = node
        self._folder = folder
        self._journal_path = folder / "journal.jsonl"
        program = (*PLANTED, defect, "feeder") if defect else (sys.executable, "-m", "tests.faults.feeder")
        url = mqtt_url or installation.mqtt_url
        chosen = ("--feed", msgspec.json.encode(feed or Feed()).decode())
        arguments = ("--node", node, "--mqtt", url, "--folder", str(folder), *chosen)
        self._feeder = WinnowProcess("feeder", (*prefix, *program, *arguments), folder=folder)
        self.parts: dict[str, Killable] = {**installation.parts, EDGE: self._feeder}
        self._kafka_records = records_in_kafka(installation.kafka_address)
        self._used: dict[str, Use] = {}
        self._under_way: list[End] = []

    def __enter__(self) -> Self:
        self._feeder.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the feeder, and whatever fault is still under way: the installation is shared."""
        for end in [*self._under_way]:
            end()
        self._feeder.__exit__(None, None, None)

    def journal(self) -> Journal:
        """Return what was issued and accepted so far."""
        return read_journal(self._journal_path)

    def contents(self) -> dict[str, Contents]:
        """Return what each store holds of this run's node."""
        return {name: read_contents(url, self._node) for name, url in self._installation.stores.items()}

    def places(self) -> dict[str, set[Place]]:
        """Return which places of the sequence each store holds of this run's node."""
        return {name: read_places(url, self._node) for name, url in self._installation.stores.items()}

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
            lambda: all(len(places) >= STEPS_PER_S for places in self.places().values()),
            SETTLE_WITHIN_S,
            lambda: f"nothing arrives: {self._installation.logs}",
        )
        self._used = self._use()
        self.figures.accepted_before = len(self.journal().accepted)

    def begin(self, strike: Strike) -> End:
        """Let a fault begin; what is returned ends it."""
        end = begin(strike, self.parts, self._installation.lines)

        def once() -> Struck:
            self._under_way.remove(once)
            return end()

        self._under_way.append(once)
        return once

    def note(self, *facts: Fact) -> None:
        """Write something down."""
        self.facts += facts

    def suffer(self, strike: Strike) -> None:
        """Let a fault begin, last and end while the edge goes on, unless it is the edge that is struck."""
        end = self.begin(strike)
        time.sleep(strike.lasts_s)
        self.note(end())
        self.figures.faults += 1

    def strike(self, victims: Sequence[str], *, outage_s: float) -> None:
        """Kill the victims one after the other while the edge goes on, wait for a while, and start them again.

        Between two kills messages pile up before the one that has just died, in the next one if that takes them. The
        broker comes back without any memory. An edge among several victims is killed last.
        """
        before = len(self.journal().accepted)
        ends: dict[str, End] = {}
        for name in (name for name in victims if name != EDGE):
            ends[name] = self.begin(Strike(kind="wipe" if name == BROKER else "kill", part=name, lasts_s=outage_s))
            self.feed(BETWEEN_KILLS)
        if ends:
            self.feed(round(outage_s * STEPS_PER_S))
        if EDGE in victims:
            ends[EDGE] = self.begin(Strike(kind="kill", part=EDGE, lasts_s=0))
        self.figures.faults += len(victims)
        self.figures.accepted_meanwhile = len(self.journal().accepted) - before
        self.note(*(ends[name]() for name in self.parts if name in ends))

    def heal(self) -> None:
        """Return once an event accepted after this call is in every store; fail if that takes too long."""
        healed_at_s = time.monotonic()
        known = len(self.journal().accepted)

        def fresh() -> list[Place]:
            after = self.journal().accepted[known:]
            return [place_of(entry) for entry in after if entry.kind == "line.crossed"][:1]

        eventually(fresh, FRESH_WITHIN_S, lambda: f"the edge accepts nothing:\n{self._feeder.log_tail()}")
        (place,) = fresh()
        after_s: dict[str, float] = {}
        while missing := set(self._installation.stores) - set(after_s):
            took_s = round(time.monotonic() - healed_at_s, 2)
            after_s |= {name: took_s for name, places in self.places().items() if name in missing and place in places}
            assert len(after_s) == len(self._installation.stores) or took_s < FRESH_WITHIN_S, (
                f"{place} is not in {missing} {FRESH_WITHIN_S} s after healing: {self._installation.logs}"
            )
            time.sleep(0.02)
        self.note(Fresh(after_s=after_s))
        self.figures.slowest_fresh_s = max(self.figures.slowest_fresh_s, *after_s.values())

    def check(self) -> None:
        """Fail if what was accepted up to now is not in every store soon, once, unchanged; the edge goes on.

        Soon is `SETTLE_WITHIN_S`, or the time in which a large backlog drains as fast as is promised.
        """
        accepted = self.journal().accepted
        upto = {entry.epoch: entry.sequence for entry in accepted}
        wanted = {place_of(entry) for entry in accepted}
        backlog = max(len(wanted - places) for places in self.places().values())
        eventually(
            lambda: all(wanted <= places for places in self.places().values()),
            max(SETTLE_WITHIN_S, backlog / ((DRAIN_FACTOR - 1) * MESSAGES_PER_S)),
            lambda: f"missing: { ({name: sorted(wanted - places)[:9] for name, places in self.places().items()}) }",
        )
        held = self.contents()
        journal = self.journal()
        found = {name: examine(journal, Holdings.of(one), upto=upto) for name, one in held.items()}
        assert found == dict.fromkeys(held, Findings())

    def drain(self) -> None:
        """End the feeder; return once it has every receipt, and the sinks have read whatever Kafka holds."""
        after = self._use()
        self.note(*(Used(part=name, before=self._used[name], after=use) for name, use in after.items()))
        assert (self._folder / "spool.sqlite").stat().st_size < SPOOL_BYTES
        code, _ = self._feeder.terminate(DRAIN_WITHIN_S + 5)
        assert code == 0, f"messages without a receipt:\n{self._feeder.log_tail()}"
        for name, url in self._installation.stores.items():
            with closing(open_store(url, create=False)) as store:
                self._catch_up(name, store)

    def verdict(self) -> Verdict:
        """Return what is wrong, from the history that is written now; `figures` is complete."""
        held = self.contents()
        write_history(self.history_path, journal=self._journal_path, facts=self.facts, contents=held)
        self.figures.accepted = len(self.journal().accepted)
        self.figures.stored = {name: len(contents.rows) for name, contents in held.items()}
        in_kafka = records_in_kafka(self._installation.kafka_address) - self._kafka_records
        self.figures.kafka_repeats = max(0, in_kafka - max(self.figures.stored.values()))
        logger.info("fault run, seed %d: %s", SCALE.seed, self.figures)
        print(f"SEED={SCALE.seed} {self.figures}; again: python -m tests.faults.check {self.history_path}")  # noqa: T201
        return judge(read_history(self.history_path))

    def gaps(self) -> dict[str, int]:
        """Return how many gaps each store itself knows of this run's node."""
        found: dict[str, int] = {}
        for name, url in self._installation.stores.items():
            with closing(open_store(url, create=False)) as store:
                found[name] = sum(gap.node == self._node for gap in store.gaps(0.0))
        return found

    def _use(self) -> dict[str, Use]:
        return {name: use_of(part.pid) for name, part in self.parts.items() if isinstance(part, WinnowProcess)}

    def _catch_up(self, name: str, store: Store) -> None:
        address = self._installation.kafka_address
        eventually(
            lambda: not waiting_in_kafka(address, store.offsets()), SETTLE_WITHIN_S, lambda: f"{name} lags behind Kafka"
        )

"""All that is known of a run, as JSON lines: what was issued and accepted, which faults struck, what the stores held.

A verdict is drawn from this file and from nothing else, so that it can be drawn again: `python -m tests.faults.check`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tests.end_to_end.contents import Contents
from tests.faults.bounds import Use, grown
from tests.faults.journal import Journal, read_journal
from tests.faults.oracle import Findings, Holdings, RefusedOne, Seen, examine

FRESH_WITHIN_S: Final = 10.0
"""After healing, an event accepted from now on is in every store within this time."""
DRAIN_FACTOR: Final = 5.0
"""A backlog drains at least so many times as fast as new messages come."""


class Began(Struct, frozen=True, kw_only=True, tag="run", tag_field="what"):
    """A run: what it was about, and the seed that repeats its choices."""

    scenario: str
    node: str
    seed: int


class Struck(Struct, frozen=True, kw_only=True, tag="fault", tag_field="what"):
    """A fault, and what shows that it really happened: each figure is above zero, or it did not.

    Attributes:
        at_s: monotonic time of this machine.
    """

    fault: str
    part: str
    at_s: float
    evidence: dict[str, float]


class Fresh(Struct, frozen=True, kw_only=True, tag="fresh", tag_field="what"):
    """How long after healing an event that was accepted then was in each store."""

    after_s: dict[str, float]


class Drained(Struct, frozen=True, kw_only=True, tag="drained", tag_field="what"):
    """A backlog was worked off."""

    backlog: int
    took_s: float
    live_per_s: float

    @property
    def factor(self) -> float:
        """Return how many times as fast as new messages came it was worked off, new ones included."""
        return (self.backlog / self.took_s + self.live_per_s) / self.live_per_s


class Used(Struct, frozen=True, kw_only=True, tag="used", tag_field="what"):
    """What a process held before the first fault and after the last."""

    part: str
    before: Use
    after: Use


class Held(Struct, frozen=True, kw_only=True, tag="stored", tag_field="what"):
    """One row of a store."""

    store: str
    row: Seen


class Refused(Struct, frozen=True, kw_only=True, tag="refused", tag_field="what"):
    """One dead letter of a store."""

    store: str
    letter: RefusedOne


Fact = Began | Struck | Fresh | Drained | Used | Held | Refused
_Facts: Final = msgspec.json.Decoder(Fact)
_JOURNAL: Final = (b'{"what":"issued"', b'{"what":"accepted"')


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A history as it was read."""

    journal: Journal
    facts: tuple[Fact, ...]

    def stores(self) -> dict[str, Holdings]:
        """Return what each store held at the end."""
        names = {fact.store for fact in self.facts if isinstance(fact, Held | Refused)}
        return {
            name: Holdings(
                rows=tuple(fact.row for fact in self.facts if isinstance(fact, Held) and fact.store == name),
                refused=tuple(fact.letter for fact in self.facts if isinstance(fact, Refused) and fact.store == name),
            )
            for name in sorted(names)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong, by invariant; empty if nothing is.

    Attributes:
        stores: I1 to I4 and I8 for each store in which something is wrong.
        late: I5, fresh events and backlogs that took too long.
        unproven: I6, faults that may not have happened.
        grown: I7, processes that hold too much.
        empty: what the history lacks to prove anything.
    """

    stores: dict[str, Findings] = field(default_factory=dict)
    late: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    grown: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


def judge(history: History) -> Verdict:
    """Return what a history says against Winnow, or against itself as a proof."""
    facts, stores = history.facts, history.stores()
    findings = {name: examine(history.journal, holdings) for name, holdings in stores.items()}
    struck = [fact for fact in facts if isinstance(fact, Struck)]
    lacks = {
        "nothing was accepted": not history.journal.accepted,
        "no store was read": not stores,
        "no fault struck": not struck,
        "no fresh event was looked for": not any(isinstance(fact, Fresh) for fact in facts),
    }
    return Verdict(
        stores={name: found for name, found in findings.items() if found != Findings()},
        late=tuple(_late(facts)),
        unproven=tuple(
            f"{one.fault} of {one.part}" for one in struck if not one.evidence or min(one.evidence.values()) <= 0
        ),
        grown=tuple(
            f"{fact.part}: {what}"
            for fact in facts
            if isinstance(fact, Used)
            for what in grown(fact.before, fact.after)
        ),
        empty=tuple(what for what, is_so in lacks.items() if is_so),
    )


def _late(facts: Iterable[Fact]) -> Iterable[str]:
    for fact in facts:
        if isinstance(fact, Fresh):
            yield from (f"{store}: fresh after {s} s" for store, s in fact.after_s.items() if s > FRESH_WITHIN_S)
        elif isinstance(fact, Drained) and fact.factor < DRAIN_FACTOR:
            yield f"backlog of {fact.backlog} in {fact.took_s} s while {fact.live_per_s} a second came"


def write_history(path: Path, *, journal: Path, facts: Iterable[Fact], contents: Mapping[str, Contents]) -> None:
    """Write everything into one file: the journal's lines first, then the facts, then what the stores hold."""
    encode = msgspec.json.Encoder().encode
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        whole, newline, _unfinished = journal.read_bytes().rpartition(b"\n")
        file.write(whole + newline)
        for fact in facts:
            file.write(encode(fact) + b"\n")
        for store, held in contents.items():
            for row in held.rows:
                file.write(encode(Held(store=store, row=Seen.of(row))) + b"\n")
            for letter in held.refused:
                file.write(encode(Refused(store=store, letter=RefusedOne.of(letter))) + b"\n")


def read_history(path: Path) -> History:
    """Return what a file says."""
    others = [line for line in path.read_bytes().splitlines() if not line.startswith(_JOURNAL)]
    return History(journal=read_journal(path), facts=tuple(_Facts.decode(line) for line in others))

"""Everything is looked at side by side, and whatever hangs is left behind."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Semaphore, Thread
from time import monotonic
from typing import Final

from winnow.cli.diagnosis.finding import Finding, problem

logger = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""So many parts are looked at at the same time: more cameras would be slow because of each other."""

GRACE_S: Final = 10.0
"""An examination has its own timeouts; one that is this much late hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """One thing to look at.

    Attributes:
        part: what it is about.
        look: does it.
        is_measured: how long it takes is what it is about.
    """

    part: str
    look: Callable[[], list[Finding]]
    is_measured: bool = False


def examine_all(examinations: Sequence[Examination], *, within_s: float) -> Iterator[tuple[int, list[Finding]]]:
    """Give each examination's number and findings as they come, each exactly once, whatever happens in it.

    Args:
        examinations: in the order of their numbers.
        within_s: what one of them may take.
    """
    answers: Queue[tuple[int, list[Finding]]] = Queue(maxsize=len(examinations) or 1)
    turns = Semaphore(AT_ONCE)
    for number, one in enumerate(examinations):
        Thread(target=_look, args=(number, one, turns, answers), name=one.part, daemon=True).start()
    open_numbers = set(range(len(examinations)))
    rounds = -(-len(examinations) // AT_ONCE)
    until_s = monotonic() + rounds * within_s + GRACE_S
    while open_numbers:
        try:
            number, findings = answers.get(timeout=max(0.0, until_s - monotonic()))
        except Empty:
            break
        open_numbers.discard(number)
        yield number, findings
    for number in sorted(open_numbers):
        yield number, [problem(examinations[number].part, "no answer: it hangs", "look at it by hand")]


def _look(number: int, one: Examination, turns: Semaphore, answers: "Queue[tuple[int, list[Finding]]]") -> None:
    with turns:
        try:
            findings = one.look()
        except Exception as exc:
            logger.debug("Examination failed", exc_info=exc)
            findings = [problem(one.part, f"cannot be looked at: {exc.__class__.__name__}: {exc}", "report this")]
    answers.put((number, findings))

"""Which sequences are missing: every spool numbers what it accepts without a gap, so a hole is a loss or a delay.

What is accounted for (stored, dead-lettered or given up by a tombstone) is kept as runs of whole numbers. In health an
epoch is one run that starts at 1. Each run remembers since when there has been a hole right below it:

    accounted       1-4  7-9        run 1-4 has nothing below, run 7-9 has the hole 5-6
    5 arrives       1-5  7-9        the hole is 6-6 and as old as before
    6 arrives       1-9             no hole

A run that starts inside a hole splits it, so both parts are as old as the hole was; only a run above all others opens a
new hole.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Every sequence from `first` to `last`, both included, is accounted for.

    Attributes:
        hole_since: when the hole right below the run was first seen; means nothing if the run starts at 1.
    """

    first: int
    last: int
    hole_since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Nothing is known of the sequences from `first` to `last`, both included."""

    first: int
    last: int
    since: datetime


def account(runs: Sequence[Run], added: Iterable[tuple[int, int]], now: datetime) -> list[Run]:
    """Return the runs that account for `added` as well, lowest first.

    Args:
        runs: in ascending order, apart from one another by at least one sequence; as many as are at or above
            the lowest of `added` are enough.
        added: first and last of each new run, both included; they may overlap anything.
        now: how old a hole is that opens here.
    """
    above = deque(runs)
    found: list[tuple[int, int, datetime]] = []
    for first, last in sorted([*added, *((run.first, run.last) for run in runs)]):
        if found and first <= found[-1][1] + 1:  # touches the one below
            lowest, reaches, since = found[-1]
            found[-1] = lowest, max(reaches, last), since
            continue
        while above and above[0].first < first:
            above.popleft()
        found.append((first, last, above[0].hole_since if above else now))
    return [Run(first=first, last=last, hole_since=since) for first, last, since in found]


def holes(runs: Sequence[Run]) -> list[Hole]:
    """Return what is missing below the highest accounted sequence, lowest first; `runs` must be complete."""
    found = []
    if runs and runs[0].first > 1:
        found.append(Hole(first=1, last=runs[0].first - 1, since=runs[0].hole_since))
    for lower, upper in pairwise(runs):
        found.append(Hole(first=lower.last + 1, last=upper.first - 1, since=upper.hole_since))
    return found

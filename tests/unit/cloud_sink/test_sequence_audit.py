"""Runs of accounted sequences, and the holes between them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.cloud_sink.audit import Hole, Run, account, holes
from winnow.cloud_sink.store import ReusedPlaces
from winnow.cloud_sink.store.places import reused, taken

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
RANGES = st.lists(
    st.tuples(st.integers(1, 60), st.integers(0, 6)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12
)


def test_audit_in_health_keeps_one_run() -> None:
    """Sequences that come in order are one run without a hole."""
    runs: list[Run] = []
    for sequence in range(1, 6):
        runs = account(runs, [(sequence, sequence)], NOON)
    assert [(run.first, run.last) for run in runs] == [(1, 5)]
    assert holes(runs) == []


def test_audit_expects_an_epoch_to_start_at_one() -> None:
    """What is missing before the first that came is a hole too."""
    assert holes(account([], [(4, 4)], NOON)) == [Hole(first=1, last=3, since=NOON)]


def test_audit_hole_that_is_split_stays_as_old_as_it_was() -> None:
    """A straggler in the middle of a hole does not make either half younger."""
    runs = account(account([], [(1, 4), (10, 12)], NOON), [(7, 7)], LATER)
    assert holes(runs) == [Hole(first=5, last=6, since=NOON), Hole(first=8, last=9, since=NOON)]


def test_audit_hole_that_shrinks_from_either_end_keeps_its_age() -> None:
    """Stragglers next to a run make the hole smaller and leave it as old as it was."""
    runs = account(account([], [(1, 4), (10, 12)], NOON), [(5, 5), (9, 9)], LATER)
    assert holes(runs) == [Hole(first=6, last=8, since=NOON)]


def test_audit_hole_above_everything_is_new() -> None:
    """A jump ahead opens a hole that is as old as the jump."""
    runs = account(account([], [(2, 4)], NOON), [(9, 9)], LATER)
    assert holes(runs) == [Hole(first=1, last=1, since=NOON), Hole(first=5, last=8, since=LATER)]


@given(batches=st.lists(RANGES, max_size=4))
def test_audit_agrees_with_a_set_of_numbers(batches: list[list[tuple[int, int]]]) -> None:
    """Whatever comes in whatever order, runs and holes are those of the plain set of numbers."""
    runs: list[Run] = []
    numbers: set[int] = set()
    for batch in batches:
        runs = account(runs, batch, NOON)
        numbers |= {number for first, last in batch for number in range(first, last + 1)}
    assert {number for run in runs for number in range(run.first, run.last + 1)} == numbers
    missing = {number for hole in holes(runs) for number in range(hole.first, hole.last + 1)}
    assert missing == set(range(1, max(numbers, default=0))) - numbers
    assert all(lower.last + 1 < upper.first for lower, upper in pairwise(runs))


@given(known=RANGES, added=RANGES)
def test_audit_needs_only_the_runs_from_the_lowest_addition_up(
    known: list[tuple[int, int]], added: list[tuple[int, int]]
) -> None:
    """Leaving out runs that end before what is added changes nothing: a store reads only a few rows."""
    before = account([], known, NOON)
    lowest = min((first for first, _ in added), default=1000)
    left_out = [run for run in before if run.last < lowest - 1]
    kept = [run for run in before if run.last >= lowest - 1]
    assert [*left_out, *account(kept, added, LATER)] == account(before, added, LATER)


def run_of(first: int, last: int) -> Run:
    """Return a run with a hole below it that means nothing here."""
    return Run(first=first, last=last, hole_since=NOON)


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ([11, 12, 13], []),
        ([5, 6], []),
        ([4, 5, 7, 10], [4, 7, 10]),
        ([11, 12, 11], [11]),
        ([6, 5], []),
    ],
)
def test_place_that_is_accounted_for_or_comes_twice_is_taken(sequences: list[int], expected: list[int]) -> None:
    """Sequences above, in a hole, or backwards are free; those in a run, and the second of two, are not."""
    assert taken([run_of(1, 4), run_of(7, 10)], sequences) == expected


def test_tombstones_explain_a_place_that_is_taken() -> None:
    """What was given up and came all the same is no second use of the epoch; what is left is told with its bounds."""
    stream = ("north", "e1")
    assert reused(stream, [4, 7], [(4, 4), (6, 9)]) is None
    assert reused(stream, [4, 7, 9], [(4, 4)]) == ReusedPlaces(node="north", epoch="e1", first=7, last=9, count=2)

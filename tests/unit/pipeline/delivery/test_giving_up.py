"""Which messages go when space runs out, and how tombstones name them."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from winnow.events.data import SpoolDropped
from winnow.events.event import encode_event
from winnow.events.limits import MAX_EVENT_BYTES, MAX_SEQUENCE
from winnow.pipeline.delivery.giving_up import MAX_RANGES, Candidate, choose, merged, named_by, tombstones

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def test_no_more_is_chosen_than_is_needed() -> None:
    """The first candidates go, until enough is free."""
    candidates = [Candidate(sequence, 10) for sequence in range(1, 6)]
    assert [one.sequence for one in choose(candidates, needed_bytes=25)] == [1, 2, 3]
    assert choose(candidates, needed_bytes=0) == []
    assert len(choose(candidates, needed_bytes=1000)) == 5


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 8)).map(lambda pair: (pair[0], pair[0] + pair[1]))))
def test_merged_ranges_name_the_same_sequences_and_do_not_touch(ranges: list[tuple[int, int]]) -> None:
    """Nothing is added or lost, and between two ranges is a gap."""
    joined = merged(ranges)
    assert {n for first, last in joined for n in range(first, last + 1)} == {
        n for first, last in ranges for n in range(first, last + 1)
    }
    assert all(before[1] + 1 < after[0] for before, after in pairwise(joined))


def test_many_ranges_make_several_tombstones_within_the_size_limit() -> None:
    """The largest tombstone that can be is well below what an event may have."""
    ranges = [(number, number) for number in range(MAX_SEQUENCE, MAX_SEQUENCE - 4 * MAX_RANGES, -2)]
    events = list(tombstones(ranges, node="n" * 40, epoch="e" * 40, after=7, at=NOON))
    assert len(events) == 2
    assert len({event.id for event in events}) == 2
    assert max(len(encode_event(event)) for event in events) < MAX_EVENT_BYTES / 2
    for event in events:
        assert isinstance(event.data, SpoolDropped)
        assert event.data.count == len(event.data.ranges) == MAX_RANGES
    read_back = [named for event in events for named in named_by(encode_event(event), epoch="e" * 40) or ()]
    assert sorted(read_back) == sorted(ranges)


def test_payload_that_is_no_tombstone_names_nothing() -> None:
    """A damaged payload does not stop the giving up."""
    assert named_by(b"{}", epoch="e") is None

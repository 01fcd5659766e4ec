"""Places of the sequence that were given out twice. Pure.

A spool gives each number of an epoch to one message. A new message at a place that is accounted for already means that
the epoch is used by two: a spool that was copied to another box, or put back from a backup, or somebody who speaks for
the node. Both messages are stored, as either may be all that is left of what was seen; but gaps of that epoch can hide
behind such places, so a person has to hear of them.

One case is honest: the edge gave a message up, a tombstone says so, and the message came all the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from winnow.cloud_sink.audit import Run
from winnow.cloud_sink.store.intake import Arrival
from winnow.cloud_sink.store.rows import ReusedPlaces

Stream = tuple[str, str]
"""Node and epoch."""


def sequences_of(arrivals: Iterable[Arrival]) -> dict[Stream, list[int]]:
    """Return node and epoch → the sequences of its messages, in the order in which they came."""
    found: dict[Stream, list[int]] = {}
    for arrival in arrivals:
        recorded = arrival.message.recorded
        if recorded is not None:
            found.setdefault((arrival.message.node, recorded.epoch), []).append(recorded.sequence)
    return found


def taken(before: Sequence[Run], sequences: Iterable[int]) -> list[int]:
    """Return the sequences of new messages that `before` accounts for, or that an earlier one of them has.

    Args:
        before: in ascending order; all runs that reach the lowest of `sequences` or lie above it.
        sequences: of messages that were never seen before.
    """
    firsts = [run.first for run in before]
    seen: set[int] = set()
    found = []
    for sequence in sequences:
        below = bisect_right(firsts, sequence) - 1
        if sequence in seen or (below >= 0 and sequence <= before[below].last):
            found.append(sequence)
        seen.add(sequence)
    return found


def reused(stream: Stream, sequences: Iterable[int], given_up: Iterable[tuple[int, int]]) -> ReusedPlaces | None:
    """Return what is to be told of taken places, None if tombstones explain all of them."""
    ranges = list(given_up)
    left = [one for one in sequences if not any(first <= one <= last for first, last in ranges)]
    if not left:
        return None
    node, epoch = stream
    return ReusedPlaces(node=node, epoch=epoch, first=min(left), last=max(left), count=len(left))

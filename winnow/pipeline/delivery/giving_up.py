"""When space runs out: which messages go, and the tombstones that name them.

Theory: giving up frees more than is needed just now (`SLACK`), so that it stays rare. Tombstones that still wait are
merged into the new ones, and neighbouring ranges become one. A range takes 24 bytes at most and stands for at least
one message of several hundred: tombstones stay small beside what they free, however long a node is cut off.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple

from winnow.events import ContractError, Event, new_event
from winnow.events.data import SpoolDropped
from winnow.events.event import decode_event
from winnow.events.identity import event_id

SLACK: Final = 0.05
"""Share of the limit that is freed beyond what is needed."""

NO_SPACE: Final = "space"
KEY_LOST: Final = "key"
DAMAGED: Final = "damaged"
"""The reasons that tombstones and counters give: no room; sealed with a key that is lost; changed on the disk."""

MAX_RANGES: Final = 256
"""Ranges in one tombstone: what the contract allows, 6 KiB of JSON."""

Range = tuple[int, int]
"""First and last sequence of a run, both included."""


class Candidate(NamedTuple):
    """A message that may be given up."""

    sequence: int
    size_bytes: int


def choose(candidates: Iterable[Candidate], *, needed_bytes: float) -> list[Candidate]:
    """Return the first candidates that free `needed_bytes` together, all of them if they do not."""
    chosen: list[Candidate] = []
    freed_bytes = 0
    for candidate in candidates:
        if freed_bytes >= needed_bytes:
            break
        chosen.append(candidate)
        freed_bytes += candidate.size_bytes
    return chosen


def named_by(payload: bytes, *, epoch: str) -> list[Range] | None:
    """Return the ranges that an encoded tombstone names; None if it must stay: it speaks of another epoch or cause."""
    try:
        data = decode_event(payload).data
    except ContractError:
        return None
    if not isinstance(data, SpoolDropped) or (data.dropped_epoch, data.reason) != (epoch, NO_SPACE):
        return None
    return list(data.ranges)


def merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same sequences in as few ranges as possible, in order."""
    joined: list[Range] = []
    for first, last in sorted(ranges):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def tombstones(  # noqa: PLR0913 - what a tombstone says
    ranges: Iterable[Range],
    *,
    node: str,
    epoch: str,
    after: int,
    at: datetime,
    dropped_epoch: str | None = None,
    reason: str = NO_SPACE,
) -> Iterator[Event]:
    """Yield the events that name every sequence of `ranges`; they will be numbered from `after + 1` on.

    Args:
        ranges: of `dropped_epoch`, by default of `epoch`.
        node: whose spool it is.
        epoch: in which the tombstones are numbered.
        after: the highest sequence of `epoch` so far.
        at: when they were given up.
        dropped_epoch: another life of the spool.
        reason: why.
    """
    ordered = merged(ranges)
    for number, start in enumerate(range(0, len(ordered), MAX_RANGES)):
        some = ordered[start : start + MAX_RANGES]
        yield new_event(
            id=event_id(f"{node}/{epoch}", "spool.dropped", str(after + 1 + number), 0),
            node=node,
            camera=None,
            subject=None,
            time=at,
            data=SpoolDropped(
                dropped_epoch=dropped_epoch or epoch,
                ranges=some,
                count=sum(last - first + 1 for first, last in some),
                reason=reason,
            ),
        )

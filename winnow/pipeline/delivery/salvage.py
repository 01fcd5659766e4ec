"""What can still be read of a damaged spool, and what cannot.

Theory. A page that has rotted takes what hangs below it in its tree out of reach, and nothing else. So rows are read by
ranges of their sequence: a range that fails is cut in two, until the pages that are whole have given all they hold.
Each row has a checksum or a seal over its content and its place, so one that is not what was written is found when it
is read for sending. Both indices hold every sequence that waits; where they agree, they tell exactly what is lost. Else
everything in the ranges that fail counts as lost, also what may have been receipted before.

The numbers go on, in the same epoch, only if the highest one is known: node, epoch and highest number are in one row of
a page of its own. Without that row nothing is saved, and a new epoch begins.
"""

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from winnow.events.limits import MAX_SEQUENCE
from winnow.pipeline.delivery.giving_up import Range, merged
from winnow.pipeline.delivery.log_rot import highest_in_log
from winnow.pipeline.delivery.spool_tables import READ_VERSIONS

MAX_TRIES: Final = 20_000
"""Reads of a range. A bad page costs about a hundred; where hundreds are bad, the rest is given up in large pieces."""

_NUMBERS: Final = (
    "SELECT sequence FROM message INDEXED BY by_send_class",
    "SELECT sequence FROM message INDEXED BY by_keep_class",
)
"""What each of the two indices knows."""

_TYPES: Final = (int, int, int, int, str, str, bytes, bytes)

Row = tuple[int, int, int, int, str, str, bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What a damaged spool knows of itself."""

    node: str
    epoch: str
    last_sequence: int


def life_of(path: Path, damaged: sqlite3.Connection) -> Life | None:
    """Return whose spool it was, and the highest sequence that it ever gave out; None if that cannot be read."""
    try:
        (version,) = damaged.execute("PRAGMA user_version").fetchone()
        rows = damaged.execute("SELECT node, epoch, last_sequence FROM life").fetchall()
        highest = highest_in_log(path, damaged)
    except (sqlite3.Error, TypeError, IndexError):
        return None
    if version not in READ_VERSIONS or len(rows) != 1 or tuple(map(type, rows[0])) != (str, str, int):
        return None
    node, epoch, last_sequence = rows[0]
    if not 0 <= last_sequence < MAX_SEQUENCE:
        return None
    return Life(node=node, epoch=epoch, last_sequence=max(last_sequence, highest))


class Reading:
    """Reads all rows up to a sequence that can be read.

    Args:
        damaged: a connection that changes nothing; its `text_factory` must take any bytes.
        last: the highest sequence.

    Attributes:
        unread: after `rows` is exhausted, the ranges that could not be read.
    """

    def __init__(self, damaged: sqlite3.Connection, last: int) -> None:
        self._damaged = damaged
        self._last = last
        self._read: set[int] = set()
        self.unread: list[Range] = []

    def rows(self) -> Iterator[Row]:
        """Yield every row that can be read, each once, in no particular order."""
        ranges, tries = deque([(1, self._last)]), 0
        while ranges:
            first, last = ranges.popleft()
            if tries >= MAX_TRIES:
                self.unread.append((first, last))
                continue
            tries += 1
            found: list[Row] = []
            failed = self._fails(first, last, found)
            yield from found
            if failed:
                first = max((row[0] + 1 for row in found), default=first)
                ranges.extend(self._halves(first, last))

    def lost(self) -> list[Range]:
        """Return what waited and was not read, after `rows` is exhausted."""
        told = [self._numbers(query) for query in _NUMBERS]
        missing = [(number, number) for numbers in told for number in (numbers or set()) - self._read]
        is_certain = None not in told and told[0] == told[1]
        return merged(missing if is_certain else [*missing, *self.unread])

    def _numbers(self, query: str) -> set[int] | None:
        try:
            found = {number for (number,) in self._damaged.execute(query)}
        except sqlite3.Error:
            return None
        return {number for number in found if isinstance(number, int) and 1 <= number <= self._last}

    def _fails(self, first: int, last: int, found: list[Row]) -> bool:
        """Read what can be read of a range, up to the first page that cannot."""
        query = "SELECT * FROM message NOT INDEXED WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
        try:
            for row in self._damaged.execute(query, (first, last)):
                sequence = row[0]
                if tuple(map(type, row)) == _TYPES and first <= sequence <= last and sequence not in self._read:
                    self._read.add(sequence)
                    found.append(row)
        except sqlite3.Error:
            return True
        return False

    def _halves(self, first: int, last: int) -> Iterable[Range]:
        if first == last:
            self.unread.append((first, last))
            return ()
        middle = (first + last) // 2
        return [(a, b) for a, b in ((first, middle), (middle + 1, last)) if a <= b]

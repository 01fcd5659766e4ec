"""The table of what waits: rows in, rows out, tombstones, and the sums that go with them.

Everything here happens inside a transaction that the caller has begun; a caller whose transaction fails forgets the
totals that it was given.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from winnow.events import Receipt
from winnow.pipeline.delivery import giving_up
from winnow.pipeline.delivery.giving_up import Candidate
from winnow.pipeline.delivery.message import SpooledMessage, record_all
from winnow.pipeline.delivery.priority import KeepClass, Priority, SendClass
from winnow.pipeline.delivery.sealing import Columns, Place, Rows, RowUnreadableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What changes with every transaction and is kept in memory beside it."""

    last_sequence: int
    depth: int
    size_bytes: int


class MessageTable:
    """The messages of one spool.

    Args:
        database: the spool's file.
        rows: how messages are written into it.
        node: whose they are.
        epoch: in which they are numbered.
    """

    def __init__(self, database: sqlite3.Connection, rows: Rows, *, node: str, epoch: str) -> None:
        self._database = database
        self._rows = rows
        self._node = node
        self._epoch = epoch

    def totals(self, last_sequence: int) -> Totals:
        """Return the sums of what is there; the highest sequence is at least `last_sequence`."""
        depth, size_bytes, highest = self._database.execute(
            "SELECT count(*), coalesce(sum(size_bytes), 0), coalesce(max(sequence), 0) FROM message"
        ).fetchone()
        return Totals(last_sequence=max(last_sequence, highest), depth=depth, size_bytes=size_bytes)

    def insert(self, totals: Totals, rows: Sequence[SpooledMessage]) -> Totals:
        """Add messages; return the totals with them."""
        self._database.executemany(
            "INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    row.sequence,
                    row.priority.send,
                    row.priority.keep,
                    row.size_bytes,
                    *self._rows.write(self._place(row.sequence), row.mqtt),
                )
                for row in rows
            ),
        )
        return Totals(
            last_sequence=rows[-1].sequence,
            depth=totals.depth + len(rows),
            size_bytes=totals.size_bytes + sum(row.size_bytes for row in rows),
        )

    def delete(self, totals: Totals, gone: Sequence[Candidate]) -> Totals:
        """Remove messages that are there; return the totals without them."""
        self._database.executemany("DELETE FROM message WHERE sequence = ?", ((sequence,) for sequence, _ in gone))
        return replace(
            totals,
            depth=totals.depth - len(gone),
            size_bytes=totals.size_bytes - sum(size_bytes for _, size_bytes in gone),
        )

    def insert_tombstones(
        self,
        totals: Totals,
        ranges: Sequence[giving_up.Range],
        at: datetime,
        *,
        dropped_epoch: str | None = None,
        reason: str = giving_up.NO_SPACE,
    ) -> Totals:
        """Add the messages that name every sequence of `ranges`; return the totals with them."""
        after = totals.last_sequence
        events = list(
            giving_up.tombstones(
                ranges,
                node=self._node,
                epoch=self._epoch,
                after=after,
                at=at,
                dropped_epoch=dropped_epoch or self._epoch,
                reason=reason,
            )
        )
        if not events:
            return totals
        _, rows = record_all(events, node=self._node, epoch=self._epoch, after=after, at=at)
        return self.insert(totals, rows)

    def replaceable_tombstones(self) -> tuple[list[Candidate], list[giving_up.Range]]:
        """Return the tombstones that new ones can take the place of, and the ranges that they name."""
        found: list[Candidate] = []
        ranges: list[giving_up.Range] = []
        waiting = self._database.execute("SELECT * FROM message WHERE keep_class = ?", (KeepClass.TOMBSTONE,))
        for sequence, _, _, size_bytes, *columns in waiting.fetchall():
            try:
                payload = self._rows.read(self._place(sequence), Columns(*columns)).payload
            except RowUnreadableError:
                continue
            named = giving_up.named_by(payload, epoch=self._epoch)
            if named is not None:
                found.append(Candidate(sequence, size_bytes))
                ranges += named
        return found, ranges

    def by_worth(self) -> Iterator[Candidate]:
        """Yield what may be given up, least valuable first."""
        rows = self._database.execute(
            "SELECT sequence, size_bytes FROM message WHERE keep_class < ? ORDER BY keep_class, sequence",
            (KeepClass.TOMBSTONE,),
        )
        return (Candidate(*row) for row in rows)

    def receipted(self, receipt: Receipt) -> list[Candidate]:
        """Return those messages that a receipt names."""
        named = self._database.execute(
            "SELECT sequence, size_bytes FROM message WHERE sequence <= ?1"
            " UNION SELECT sequence, size_bytes FROM message WHERE sequence IN (SELECT value FROM json_each(?2))",
            (receipt.upto, msgspec.json.encode(receipt.also).decode()),
        )
        return [Candidate(*row) for row in named]

    def sizes_of(self, sequences: Sequence[int]) -> list[Candidate]:
        """Return those of `sequences` that are there."""
        query = "SELECT sequence, size_bytes FROM message WHERE sequence IN (SELECT value FROM json_each(?))"
        return [Candidate(*row) for row in self._database.execute(query, (_as_json(sequences),))]

    def read(self, sequences: Collection[int]) -> tuple[list[SpooledMessage], list[int]]:
        """Return those messages of `sequences` that are there, lowest first, and which of them cannot be read."""
        found: list[SpooledMessage] = []
        unreadable: list[int] = []
        rows = self._database.execute(
            "SELECT * FROM message WHERE sequence IN (SELECT value FROM json_each(?)) ORDER BY sequence",
            (_as_json(sequences),),
        )
        for sequence, send_class, keep_class, size_bytes, *columns in rows:
            try:
                mqtt = self._rows.read(self._place(sequence), Columns(*columns))
                priority = Priority(SendClass(send_class), KeepClass(keep_class))
            except (RowUnreadableError, ValueError):
                unreadable.append(sequence)
                continue
            found.append(SpooledMessage(sequence=sequence, priority=priority, size_bytes=size_bytes, mqtt=mqtt))
        return found, unreadable

    def _place(self, sequence: int) -> Place:
        return Place(self._node, self._epoch, sequence)


def _as_json(sequences: Collection[int]) -> str:
    return msgspec.json.encode(list(sequences)).decode()

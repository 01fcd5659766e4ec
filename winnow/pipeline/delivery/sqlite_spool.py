"""The spool on disk: one SQLite file, durable after every call.

Here are the transactions and what each of them must hold together; rows are `message_table`'s, and what is decided
(what to give up, what is sealed, what has rotted) lies in modules of its own.
"""

import logging
import secrets
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from winnow.events import Receipt
from winnow.events.limits import MAX_SEQUENCE
from winnow.pipeline.delivery import early_steps, giving_up
from winnow.pipeline.delivery.damaged_spool import has_losses, take_losses
from winnow.pipeline.delivery.disk import FREE_FLOOR_BYTES, Ballast, free_disk_bytes, limit_bytes
from winnow.pipeline.delivery.errors import SpoolFailedError, SpoolFullError
from winnow.pipeline.delivery.log_rot import highest_in_log
from winnow.pipeline.delivery.message import Message, SpooledMessage, record_all
from winnow.pipeline.delivery.message_table import MessageTable, Totals
from winnow.pipeline.delivery.metrics import DeliveryMetrics
from winnow.pipeline.delivery.picture_rows import SALT_BYTES, candidates, note_pictures
from winnow.pipeline.delivery.sealed_rows import keep_copy, key_loss, seal_readable_rows
from winnow.pipeline.delivery.sealing import ReadableRows, Rows
from winnow.pipeline.delivery.send_order import in_send_order
from winnow.pipeline.delivery.spool_file import empty_log, lock_spool, open_database, typed
from winnow.runtime.clock import Clock

_EPOCH_BYTES: Final = 5
"""2**40 names: a node that loses its spool every day for a century reuses one with a chance of 1 in 1600."""

_ANY_SIZE: Final = 2**62

logger = logging.getLogger(__name__)


class SqliteSpool:
    """A `Spool` in a SQLite file in WAL mode with `synchronous=FULL`.

    The file keeps its size when messages leave it; the room is used again.

    Args:
        path: the file; its directory is created.
        node: the node whose messages these are.
        clock: says when a message was accepted.
        metrics: counts what is accepted and dropped.
        max_bytes: at most this much of PUBLISH packets waits.
        free_floor_bytes: the spool does not grow when the file system has less than this left.
        rows: how messages are written into the file: sealed or readable.

    Raises:
        SpoolLockedError: another process has it open.
        SpoolForeignError: it is another node's, a newer version wrote it, or it is sealed and `rows` has no key.
        SpoolFullError: the disk has no room for it.
        SpoolFailedError: the file cannot be opened.
    """

    def __init__(  # noqa: PLR0913 - what a spool depends on
        self,
        path: Path,
        *,
        node: str,
        clock: Clock,
        metrics: DeliveryMetrics,
        max_bytes: int,
        free_floor_bytes: int = FREE_FLOOR_BYTES,
        rows: Rows | None = None,
    ) -> None:
        self._path = path
        self._node = node
        self._clock = clock
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._free_floor_bytes = free_floor_bytes
        self._rows = rows or ReadableRows()
        self._looks = early_steps.Looks()
        self._salt = secrets.token_bytes(SALT_BYTES)
        self._lock = Lock()
        self._file_lock = lock_spool(path)
        try:
            self._database = open_database(path, node=node, new_epoch=secrets.token_hex(_EPOCH_BYTES))
            self._epoch, self._totals = self._load()
            self._ballast = Ballast(path)
            with self._translated():
                highest, epoch = highest_in_log(path, self._database), self._epoch
                empty_log(self._database)
            self._bury_losses()
            self._match_keys()
            if highest > self._totals.last_sequence and epoch == self._epoch:
                self._bury_lost(highest)
        except BaseException:
            self._file_lock.close()
            raise

    @property
    def node(self) -> str:
        """The node whose messages these are."""
        return self._node

    @property
    def epoch(self) -> str:
        """The name of this life of the spool; a new file has a new one."""
        return self._epoch

    @property
    def last_sequence(self) -> int:
        """The highest sequence of this epoch so far; 0 before the first."""
        return self._totals.last_sequence

    @property
    def depth(self) -> int:
        """Messages that wait."""
        return self._totals.depth

    @property
    def size_bytes(self) -> int:
        """Bytes of the PUBLISH packets that wait."""
        return self._totals.size_bytes

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """See `Spool.append`: one transaction, durable when it returns."""
        if not messages:
            return []
        at = self._clock.now()
        with self._lock:
            after = self._totals.last_sequence
            recorded, rows = record_all(messages, node=self._node, epoch=self._epoch, after=after, at=at)
            victims = self._write_batch(recorded, rows, at)
        self._metrics.accepted.inc(len(recorded))
        for reason, gone in victims.items():
            self._metrics.dropped.labels(reason).inc(len(gone))
        return recorded

    def next_batch(
        self,
        *,
        limit_messages: int,
        limit_bytes: int,
        excluding: Collection[int] = (),
        live_after: int | None = None,
        max_message_bytes: int | None = None,
    ) -> list[SpooledMessage]:
        """See `Spool.next_batch`."""
        chosen: list[int] = []
        room_bytes = limit_bytes
        with self._lock, self._translated():
            for sequence, size_bytes in in_send_order(
                self._database,
                limit_messages + len(excluding),
                live_after=self._totals.last_sequence if live_after is None else live_after,
                max_message_bytes=_ANY_SIZE if max_message_bytes is None else max_message_bytes,
            ):
                if sequence in excluding:
                    continue
                if len(chosen) >= limit_messages or size_bytes > room_bytes:
                    break
                chosen.append(sequence)
                room_bytes -= size_bytes
            found = {message.sequence: message for message in self._read(chosen)}
        return [found[sequence] for sequence in chosen if sequence in found]

    def read(self, sequences: Collection[int]) -> list[SpooledMessage]:
        """See `Spool.read`."""
        with self._lock, self._translated():
            return self._read(sequences)

    def acknowledge(self, receipt: Receipt) -> int:
        """See `Spool.acknowledge`; on a full disk the ballast is given up for it."""
        if receipt.epoch != self._epoch:
            return 0
        with self._lock:
            try:
                return self._delete_receipted(receipt)
            except SpoolFullError:
                if not self._ballast.release():
                    raise
                return self._delete_receipted(receipt)

    def close(self) -> None:
        """See `Spool.close`; a second call changes nothing."""
        with self._lock:
            self._database.close()
            self._file_lock.close()

    def _match_keys(self) -> None:
        """Give up, named and counted, what no key opens any more; seal what was written before there was a key."""
        with self._translated():
            loss = key_loss(self._path, self._database, self._rows)
            if not loss.lost:
                seal_readable_rows(self._path, self._database, self._rows, node=self._node, epoch=self._epoch)
                return
            kept = keep_copy(self._path, self._database)
        epoch = self._epoch
        new_epoch = secrets.token_hex(_EPOCH_BYTES) if loss.is_total else epoch
        self._give_up_unreadable(loss.lost, reason=giving_up.KEY_LOST, new_epoch=new_epoch)
        extra = {"path": str(self._path), "messages": len(loss.lost), "epoch": epoch, "new_epoch": new_epoch}
        extra |= {"keys": ", ".join(sorted(loss.key_ids)), "kept_as": str(kept or "not kept: no room")}
        logger.error("Spool's key is lost: what it sealed cannot be delivered", extra=extra)

    def _give_up_unreadable(self, sequences: Sequence[int], *, reason: str, new_epoch: str) -> None:
        """Delete rows that nobody can read, and insert the tombstones that name them, in a new epoch or the same."""
        epoch, at = self._epoch, self._clock.now()
        try:
            self._begin(new_epoch)
            with self._transaction():
                gone = self._table.sizes_of(sequences)
                totals = self._table.delete(self._totals, gone)
                if new_epoch != epoch:
                    totals = replace(totals, last_sequence=0)
                ranges = [(sequence, sequence) for sequence in sequences]
                totals = self._table.insert_tombstones(totals, ranges, at, dropped_epoch=epoch, reason=reason)
                life = (new_epoch, totals.last_sequence)
                self._database.execute("UPDATE life SET epoch = ?, last_sequence = ?", life)
        except BaseException:
            self._begin(epoch)
            raise
        self._totals = totals
        self._metrics.dropped.labels(reason).inc(len(sequences))

    def _bury_losses(self) -> None:
        """Name what could not be saved of a damaged file."""
        if not has_losses(self._database):
            return
        with self._transaction():
            lost = take_losses(self._database)
            totals = self._table.insert_tombstones(self._totals, lost, self._clock.now(), reason=giving_up.DAMAGED)
            self._database.execute("UPDATE life SET last_sequence = ?", (totals.last_sequence,))
        self._totals = totals
        self._metrics.dropped.labels(giving_up.DAMAGED).inc(sum(last - first + 1 for first, last in lost))

    def _bury_lost(self, highest: int) -> None:
        """Name what was accepted and is in no commit that can be read any more, so that its numbers stay its own."""
        lost = (self._totals.last_sequence + 1, highest)
        extra = {"path": str(self._path), "epoch": self._epoch, "first": lost[0], "last": lost[1]}
        logger.error("Spool's log is damaged: messages are lost", extra=extra)
        with self._transaction():
            totals = replace(self._totals, last_sequence=highest)
            totals = self._table.insert_tombstones(totals, [lost], self._clock.now(), reason=giving_up.DAMAGED)
            self._database.execute("UPDATE life SET last_sequence = ?", (totals.last_sequence,))
        self._totals = totals
        self._metrics.dropped.labels(giving_up.DAMAGED).inc(lost[1] - lost[0] + 1)

    def _load(self) -> tuple[str, Totals]:
        with self._translated():
            epoch, last_sequence = self._database.execute("SELECT epoch, last_sequence FROM life").fetchone()
            self._begin(epoch)
            return epoch, self._table.totals(last_sequence)

    def _begin(self, epoch: str) -> None:
        self._epoch = epoch
        self._table = MessageTable(self._database, self._rows, node=self._node, epoch=epoch)

    def _write_batch(
        self, recorded: Sequence[Message], rows: Sequence[SpooledMessage], at: datetime
    ) -> early_steps.Victims:
        """Write the batch and, where space runs out, what that costs; return what was given up."""
        with self._transaction():
            limit = self._limit_bytes()
            totals = self._table.insert(self._totals, rows)
            note_pictures(self._database, recorded, salt=self._salt)
            totals, victims = self._give_up(totals, limit, at)
            if totals.last_sequence > MAX_SEQUENCE:
                raise SpoolFullError(self._path, "all sequences are used: move the file away once it is empty")
            self._database.execute("UPDATE life SET last_sequence = ?", (totals.last_sequence,))
        self._totals = totals
        return victims

    def _limit_bytes(self) -> int:
        (unused_pages,) = self._database.execute("PRAGMA freelist_count").fetchone()
        (page_bytes,) = self._database.execute("PRAGMA page_size").fetchone()
        try:
            free_bytes = free_disk_bytes(self._path)
        except OSError as exc:
            raise SpoolFailedError(self._path, f"{exc.strerror}; was its directory removed?") from exc
        if free_bytes > self._free_floor_bytes:
            self._ballast.hold()
        return limit_bytes(
            quota_bytes=self._max_bytes,
            used_bytes=self._totals.size_bytes,
            free_bytes=free_bytes + unused_pages * page_bytes,
            floor_bytes=self._free_floor_bytes,
        )

    def _give_up(self, totals: Totals, limit: int, at: datetime) -> tuple[Totals, early_steps.Victims]:
        """Delete the least valuable messages until there is room again, and insert the tombstones that name them."""
        is_look = self._looks.is_due(totals.size_bytes, limit)
        victims = early_steps.victims(
            totals.size_bytes,
            limit,
            of_step=(lambda step: candidates(self._database, step)) if is_look else None,
            by_worth=self._table.by_worth,
        )
        if victims or totals.size_bytes > limit:
            merged, ranges = self._table.replaceable_tombstones()
            gone = [*merged, *(one for some in victims.values() for one in some)]
            totals = self._table.delete(totals, gone)
            ranges += [(sequence, sequence) for sequence, _ in gone]
            totals = self._table.insert_tombstones(totals, ranges, at)
        if totals.size_bytes > limit:
            raise SpoolFullError(self._path, "no room is left to give up anything for: make room on the disk")
        if is_look:
            self._looks.looked(totals.size_bytes, limit)
        return totals, victims

    def _delete_receipted(self, receipt: Receipt) -> int:
        with self._transaction():
            gone = self._table.receipted(receipt)
            totals = self._table.delete(self._totals, gone)
        self._totals = totals
        return len(gone)

    def _read(self, sequences: Collection[int]) -> list[SpooledMessage]:
        """Return what can be read; what cannot is given up, named by a tombstone."""
        found, unreadable = self._table.read(sequences)
        if unreadable:
            extra = {"path": str(self._path), "epoch": self._epoch, "sequences": unreadable}
            logger.error("Messages in the spool are damaged and given up", extra=extra)
            self._give_up_unreadable(unreadable, reason=giving_up.DAMAGED, new_epoch=self._epoch)
        return found

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Commit what the block does, or nothing of it if the block or the commit raises."""
        with self._translated():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as exc:
            raise typed(self._path, exc) from exc

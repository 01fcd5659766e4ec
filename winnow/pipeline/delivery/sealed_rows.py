"""The sealed rows of a spool as a whole: which of them no key opens, and those to be sealed that are not yet."""

import logging
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from winnow.pipeline.delivery.errors import SpoolForeignError
from winnow.pipeline.delivery.sealing import KEY_ID_BYTES, SEALED, Columns, Place, ReadableRows, Rows

logger = logging.getLogger(__name__)

_ROWS_AT_ONCE: Final = 256
"""At most 256 rows of 64 KiB are in memory while they are sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLoss:
    """What waits in a spool and cannot be opened.

    Attributes:
        lost: sequences, lowest first.
        key_ids: names of the keys that are missing, as hexadecimal digits.
        is_total: nothing else waits.
    """

    lost: list[int]
    key_ids: frozenset[str]
    is_total: bool


def key_ids_in_use(database: sqlite3.Connection) -> dict[bytes, int]:
    """Return the names of the keys that sealed what waits, and how many messages each of them."""
    found = database.execute(
        "SELECT substr(payload, 1, ?), count(*) FROM message WHERE content_type = ? GROUP BY 1", (KEY_ID_BYTES, SEALED)
    )
    return {bytes(key_id): count for key_id, count in found}


def key_loss(path: Path, database: sqlite3.Connection, rows: Rows) -> KeyLoss:
    """Return what `rows` has no key for.

    Raises:
        SpoolForeignError: messages are sealed and `rows` has no key at all: a setting is missing, not the key.
    """
    used = key_ids_in_use(database)
    missing = used.keys() - rows.key_ids
    if missing and not rows.key_ids:
        raise SpoolForeignError(
            path, f"{sum(used.values())} messages wait sealed: name their key in spool.key_file or spool.key_credential"
        )
    named = msgspec.json.encode([key_id.hex() for key_id in missing]).decode()
    lost = database.execute(
        "SELECT sequence FROM message WHERE content_type = ?"
        " AND lower(hex(substr(payload, 1, ?))) IN (SELECT value FROM json_each(?)) ORDER BY sequence",
        (SEALED, KEY_ID_BYTES, named),
    )
    sequences = [sequence for (sequence,) in lost]
    (waiting,) = database.execute("SELECT count(*) FROM message").fetchone()
    return KeyLoss(
        lost=sequences,
        key_ids=frozenset(key_id.hex() for key_id in missing),
        is_total=len(sequences) == waiting,
    )


def keep_copy(path: Path, database: sqlite3.Connection) -> Path | None:
    """Return where a copy of the spool now lies, in case the key is found; None if the disk has no room for one.

    An earlier copy is replaced, so that they cannot fill the disk.
    """
    kept = path.with_name(f"{path.name}.key-lost")
    kept.unlink(missing_ok=True)
    try:
        database.execute("VACUUM INTO ?", (str(kept),))
        with kept.open("rb+") as file:
            os.fchmod(file.fileno(), 0o600)
            os.fsync(file.fileno())
    except (sqlite3.OperationalError, OSError):
        kept.unlink(missing_ok=True)
        return None
    return kept


def seal_readable_rows(path: Path, database: sqlite3.Connection, rows: Rows, *, node: str, epoch: str) -> None:
    """No readable row is left where `rows` seals, in the file's unused pages neither: it is written anew."""
    if not rows.key_ids or not _sealed_some(database, rows, node=node, epoch=epoch):
        return
    while _sealed_some(database, rows, node=node, epoch=epoch):
        pass
    try:
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as exc:  # the disk is full, most likely
        logger.error(  # noqa: TRY400 - the trace says nothing about the disk
            "Spool's unused pages may still hold readable messages", extra={"path": str(path), "reason": str(exc)}
        )


def _sealed_some(database: sqlite3.Connection, rows: Rows, *, node: str, epoch: str) -> bool:
    """Seal some readable rows in one transaction; return whether there were any."""
    found = database.execute(
        "SELECT sequence, topic, content_type, user_properties, payload FROM message WHERE content_type != ? LIMIT ?",
        (SEALED, _ROWS_AT_ONCE),
    ).fetchall()
    if not found:
        return False
    readable = ReadableRows()
    sealed = []
    for sequence, *columns in found:
        place = Place(node, epoch, sequence)
        sealed.append((*rows.write(place, readable.read(place, Columns(*columns))), sequence))
    database.execute("BEGIN IMMEDIATE")
    try:
        database.executemany(
            "UPDATE message SET topic = ?, content_type = ?, user_properties = ?, payload = ? WHERE sequence = ?",
            sealed,
        )
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    return True

"""The spool's file: locked, opened durably, checked, and set aside when it is damaged."""

import fcntl
import logging
import os
import sqlite3
from pathlib import Path
from typing import Final, TextIO

from winnow.pipeline.delivery.errors import SpoolFailedError, SpoolForeignError, SpoolFullError, SpoolLockedError
from winnow.pipeline.delivery.picture_rows import PICTURE_SCHEMA

logger = logging.getLogger(__name__)

FORMAT_VERSION: Final = 2
"""Of the tables below; kept in the file as `user_version`."""

_READ_VERSIONS: Final = (1, FORMAT_VERSION)
"""1 had no checksums in its rows and no table of pictures; it becomes 2 when it is opened."""

_SCHEMA: Final = (
    """CREATE TABLE life (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        node TEXT NOT NULL,
        epoch TEXT NOT NULL,
        last_sequence INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE message (
        sequence INTEGER PRIMARY KEY,
        send_class INTEGER NOT NULL,
        keep_class INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        topic TEXT NOT NULL,
        content_type TEXT NOT NULL,
        user_properties BLOB NOT NULL,
        payload BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX by_send_class ON message (send_class, sequence, size_bytes)",
    "CREATE INDEX by_keep_class ON message (keep_class, sequence, size_bytes)",
)

_WAL_KEPT_BYTES: Final = 4 * 1024 * 1024
"""The log is cut back to this after a burst."""

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_SIDE_FILES: Final = ("-wal", "-shm")


class SpoolDamagedError(Exception):
    """The file is no spool any more; it never leaves this package, a new file takes its place."""


def lock_spool(path: Path) -> TextIO:
    """Return the locked file beside the spool; closing it, or the end of the process, unlocks it.

    Raises:
        SpoolLockedError: another process (or another part of this one) has it.
        SpoolFailedError: the directory cannot be written.
    """
    lock_path = path.with_name(f"{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_path.open("a", encoding="ascii")
    except OSError as exc:
        raise SpoolFailedError(path, f"cannot be written: {exc.strerror}; name another file in spool.path") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise SpoolLockedError(path, "is in use; one process delivers at a time: stop the other one") from exc
    return lock


def open_database(path: Path, *, node: str, new_epoch: str) -> sqlite3.Connection:
    """Return the locked spool's database, made if it is missing, replaced by an empty one if it is damaged.

    Raises:
        SpoolForeignError: it is another node's, or a newer version wrote it.
        SpoolFullError: the disk has no room for an empty spool.
        SpoolFailedError: the file cannot be opened.
    """
    try:
        return _open_checked(path, node=node, new_epoch=new_epoch)
    except SpoolDamagedError as exc:
        kept = _set_aside(path)
        logger.error(  # noqa: TRY400 - the trace says nothing about the damage
            "Spool is damaged: what it held is lost to delivery, a new epoch begins",
            extra={"path": str(path), "damage": str(exc), "kept_as": str(kept)},
        )
        return _open_checked(path, node=node, new_epoch=new_epoch)


def typed(path: Path, error: sqlite3.Error) -> SpoolFullError | SpoolFailedError:
    """Return what SQLite's error means to the caller."""
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return SpoolFullError(path, "the disk is full: make room, or lower spool.max_bytes")
    return SpoolFailedError(path, f"{error}; check the disk, then start again")


def _open_checked(path: Path, *, node: str, new_epoch: str) -> sqlite3.Connection:
    if not path.exists():
        for suffix in _SIDE_FILES:  # left behind by a file that somebody removed; they belong to nothing
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as exc:
        raise typed(path, exc) from exc
    try:
        _make_durable(database)
        _check(database)
        _make_tables(database, node=node, new_epoch=new_epoch)
        _check_owner(path, database, node=node)
    except sqlite3.Error as exc:
        database.close()
        if _primary_code(exc) in _DAMAGED:
            raise SpoolDamagedError(str(exc)) from exc
        raise typed(path, exc) from exc
    except BaseException:
        database.close()
        raise
    return database


def _make_durable(database: sqlite3.Connection) -> None:
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")


def _check(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise SpoolDamagedError(verdict)


def _make_tables(database: sqlite3.Connection, *, node: str, new_epoch: str) -> None:
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables:
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in (*_SCHEMA, *PICTURE_SCHEMA):
        database.execute(statement)
    database.execute("INSERT INTO life VALUES (1, ?, ?, 0)", (node, new_epoch))
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    database.execute("COMMIT")


def _check_owner(path: Path, database: sqlite3.Connection, *, node: str) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in _READ_VERSIONS:
        raise SpoolForeignError(path, f"is no spool of this version (it says {version}): name another file")
    row = database.execute("SELECT node FROM life").fetchone()
    if row is None:
        raise SpoolDamagedError("the node's name is missing")
    if row[0] != node:
        raise SpoolForeignError(path, f"belongs to node {row[0]}, this is node {node}: name another file in spool.path")
    if version != FORMAT_VERSION:
        _upgrade(database)


def _upgrade(database: sqlite3.Connection) -> None:
    database.execute("BEGIN IMMEDIATE")
    for statement in PICTURE_SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    database.execute("COMMIT")


def empty_log(database: sqlite3.Connection) -> None:
    """Move what the log holds into the file, and cut it to nothing, before anything is added behind it.

    A process whose sync failed may leave pages in the log that read well, from the memory of the system, and never
    reached the disk. What was written behind them would be lost with them if the power failed later.
    """
    try:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as exc:
        if _primary_code(exc) != sqlite3.SQLITE_FULL:
            raise
        logger.warning("Spool's log stays as it is: the disk is full")


def _set_aside(path: Path) -> Path:
    """Rename the file and its log; an earlier damaged one is replaced, so that they cannot fill the disk."""
    kept = path.with_name(f"{path.name}.damaged")
    for suffix in _SIDE_FILES:
        kept.with_name(kept.name + suffix).unlink(missing_ok=True)
        side = path.with_name(path.name + suffix)
        if side.exists():
            side.replace(kept.with_name(kept.name + suffix))
    os.replace(path, kept)  # noqa: PTH105 - the one step that decides, so it stands here last and by name
    return kept


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

"""The spool's file: locked, opened durably, checked, and replaced when it is damaged."""

import fcntl
import logging
import sqlite3
from pathlib import Path
from typing import Final, TextIO

from winnow.pipeline.delivery.damaged_spool import SIDE_FILES, finish_replacing, replace_damaged
from winnow.pipeline.delivery.errors import SpoolFailedError, SpoolForeignError, SpoolFullError, SpoolLockedError
from winnow.pipeline.delivery.spool_tables import FORMAT_VERSION, READ_VERSIONS, make_durable, make_tables, upgrade

logger = logging.getLogger(__name__)

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


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
    """Return the locked spool's database, made if it is missing, replaced if it is damaged.

    Raises:
        SpoolForeignError: it is another node's, or a newer version wrote it.
        SpoolFullError: the disk has no room for an empty spool.
        SpoolFailedError: the file cannot be opened.
    """
    try:
        finish_replacing(path, node=node, new_epoch=new_epoch)
        try:
            return _open_checked(path, node=node, new_epoch=new_epoch)
        except SpoolDamagedError as exc:
            replace_damaged(path, node=node, new_epoch=new_epoch, damage=str(exc))
        return _open_checked(path, node=node, new_epoch=new_epoch)
    except sqlite3.Error as exc:
        raise typed(path, exc) from exc
    except OSError as exc:
        raise SpoolFailedError(path, f"is damaged, and cannot be replaced: {exc.strerror}") from exc


def typed(path: Path, error: sqlite3.Error) -> SpoolFullError | SpoolFailedError:
    """Return what SQLite's error means to the caller."""
    code = _primary_code(error)
    if code == sqlite3.SQLITE_FULL:
        return SpoolFullError(path, "the disk is full: make room, or lower spool.max_bytes")
    return SpoolFailedError(path, f"{error}; check the disk, then start again")


def _open_checked(path: Path, *, node: str, new_epoch: str) -> sqlite3.Connection:
    if not path.exists():
        for suffix in SIDE_FILES:  # left behind by a file that somebody removed; they belong to nothing
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as exc:
        raise typed(path, exc) from exc
    try:
        make_durable(database)
        _check(database)
        make_tables(database, node=node, epoch=new_epoch)
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


def _check(database: sqlite3.Connection) -> None:
    (verdict,) = database.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise SpoolDamagedError(verdict)


def _check_owner(path: Path, database: sqlite3.Connection, *, node: str) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in READ_VERSIONS:
        raise SpoolForeignError(path, f"is no spool of this version (it says {version}): name another file")
    row = database.execute("SELECT node FROM life").fetchone()
    if row is None:
        raise SpoolDamagedError("the node's name is missing")
    if row[0] != node:
        raise SpoolForeignError(path, f"belongs to node {row[0]}, this is node {node}: name another file in spool.path")
    if version != FORMAT_VERSION:
        upgrade(database)


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


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF

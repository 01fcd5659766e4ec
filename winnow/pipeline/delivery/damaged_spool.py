"""A damaged spool is set aside, and another file takes its place, with everything in it that could be saved.

The steps, in an order in which the process may die between any two of them:

1. the mark: from here on the next start goes on with these steps   (before: the damaged file is found again)
2. log and file are renamed to `….damaged`, the file last           (without the file there: renamed by the next start)
3. a new file is filled beside, and closed                           (half of it: made anew by the next start)
4. the new file gets the spool's name                                (before: made anew; after: only the mark is left)
5. the mark is removed
"""

import logging
import os
import sqlite3
from pathlib import Path
from typing import Final

from winnow.pipeline.delivery.giving_up import Range
from winnow.pipeline.delivery.salvage import Life, Reading, life_of
from winnow.pipeline.delivery.spool_tables import make_tables

SIDE_FILES: Final = ("-wal", "-shm")
_NAMED: Final = 20
"""Most ranges that the log names."""

_LOSS_TABLE: Final = "CREATE TABLE loss (first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT"

logger = logging.getLogger(__name__)


def replace_damaged(path: Path, *, node: str, new_epoch: str, damage: str) -> None:
    """Put a sound file in the place of a damaged one; what is saved keeps its numbers and its epoch.

    Raises:
        OSError: the disk does not let it.
        sqlite3.Error: the same, found by SQLite.
    """
    kept = _kept(path)
    for old in (kept, *_sides(kept)):  # an earlier damaged one is replaced, so that they cannot fill the disk
        old.unlink(missing_ok=True)
    _mark(path).touch()
    _go_on(path, node=node, new_epoch=new_epoch, damage=damage)


def finish_replacing(path: Path, *, node: str, new_epoch: str) -> None:
    """Go on where an earlier start died while it replaced a damaged file, if one did."""
    if _mark(path).exists():
        _go_on(path, node=node, new_epoch=new_epoch, damage="found by an earlier start")


def has_losses(database: sqlite3.Connection) -> bool:
    """Return whether something could not be saved, or nobody has asked what."""
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'loss'").fetchone()
    return bool(tables)


def take_losses(database: sqlite3.Connection) -> list[Range]:
    """Return what could not be saved and has no tombstone yet; forget it, in the caller's transaction."""
    ranges = [(first, last) for first, last in database.execute("SELECT first, last FROM loss ORDER BY first")]
    database.execute("DROP TABLE loss")
    return ranges


def _go_on(path: Path, *, node: str, new_epoch: str, damage: str) -> None:
    kept = _kept(path)
    if path.exists() and not kept.exists():
        for side, kept_side in zip(_sides(path), _sides(kept), strict=True):
            if side.exists():
                side.replace(kept_side)
        path.replace(kept)
    if kept.exists() and not path.exists():
        fresh = path.with_name(f"{path.name}.fresh")
        for old in (fresh, fresh.with_name(f"{fresh.name}-journal")):
            old.unlink(missing_ok=True)
        facts = _fill(fresh, kept, node=node, new_epoch=new_epoch)
        fresh.replace(path)
        extra = {"path": str(path), "node": node, "damage": damage, "kept_as": str(kept), **facts}
        logger.error("Spool is damaged: what could not be read of it is lost to delivery", extra=extra)
    _sync_directory(path)
    _mark(path).unlink()


def _fill(fresh: Path, kept: Path, *, node: str, new_epoch: str) -> dict[str, object]:
    """Write a new spool; return what the log is to say of it."""
    damaged = sqlite3.connect(f"{kept.as_uri()}?mode=ro", uri=True, isolation_level=None)
    damaged.text_factory = lambda content: content.decode("utf-8", "replace")
    database = sqlite3.connect(fresh, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = FULL")
        life = life_of(kept, damaged)
        if life is None or life.node != node:
            make_tables(database, node=node, epoch=new_epoch)
            return {"messages_saved": 0, "new_epoch": new_epoch, "messages_lost": "all, their number is not known"}
        make_tables(database, node=node, epoch=life.epoch)
        return _save(damaged, database, life)
    finally:
        database.close()
        damaged.close()


def _save(damaged: sqlite3.Connection, database: sqlite3.Connection, life: Life) -> dict[str, object]:
    reading = Reading(damaged, life.last_sequence)
    saved = 0
    database.execute("BEGIN IMMEDIATE")
    for row in reading.rows():
        database.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        saved += 1
    lost = reading.lost()
    database.execute("UPDATE life SET last_sequence = ?", (life.last_sequence,))
    database.execute(_LOSS_TABLE)
    database.executemany("INSERT INTO loss VALUES (?, ?)", lost)
    database.execute("COMMIT")
    return {
        "messages_saved": saved,
        "messages_lost": sum(last - first + 1 for first, last in lost),
        "epoch": life.epoch,
        "ranges_lost": ", ".join(f"{first}-{last}" for first, last in lost[:_NAMED]),
    }


def _kept(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def _mark(path: Path) -> Path:
    return path.with_name(f"{path.name}.replacing")


def _sides(path: Path) -> list[Path]:
    return [path.with_name(path.name + suffix) for suffix in SIDE_FILES]


def _sync_directory(path: Path) -> None:
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)

"""The tables of the spool's file, and how a connection to it is made durable."""

import sqlite3
from typing import Final

from winnow.pipeline.delivery.picture_rows import PICTURE_SCHEMA

FORMAT_VERSION: Final = 2
"""Of the tables below; kept in the file as `user_version`."""

READ_VERSIONS: Final = (1, FORMAT_VERSION)
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


def make_durable(database: sqlite3.Connection) -> None:
    """From now on a commit is on the disk when it returns."""
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")


def make_tables(database: sqlite3.Connection, *, node: str, epoch: str) -> None:
    """An empty file has the tables, and begins an epoch; any other stays as it is."""
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables:
        return
    database.execute("BEGIN IMMEDIATE")
    for statement in (*_SCHEMA, *PICTURE_SCHEMA):
        database.execute(statement)
    database.execute("INSERT INTO life VALUES (1, ?, ?, 0)", (node, epoch))
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    database.execute("COMMIT")


def upgrade(database: sqlite3.Connection) -> None:
    """A file of an older version has the tables of this one."""
    database.execute("BEGIN IMMEDIATE")
    for statement in PICTURE_SCHEMA:
        database.execute(statement)
    database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    database.execute("COMMIT")

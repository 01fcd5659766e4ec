"""Everything in which SQLite and PostgreSQL differ: connecting, taking turns at writing, inserting what may exist."""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    URL,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Table,
    Text,
    any_,
    bindparam,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import ConnectionPoolEntry

_BUSY_TIMEOUT_MS: Final = 5_000
_CONNECT_TIMEOUT_S: Final = 5
_STATEMENT_TIMEOUT_MS: Final = 30_000
_WRITERS_TURN: Final = 0x77696E6E6F77
"""Key of the lock that PostgreSQL's writers take one after the other: the letters of `winnow`."""

_WRITING: Final = "winnow_writing"


def sqlite_engine(path: str) -> Engine:
    """Return an engine on a file that only its owner may read: WAL, and every commit reaches the disk."""
    _make_file(path)
    engine = create_engine(URL.create("sqlite", database=path), connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_file(path: str) -> None:
    """The file is there. One that is there already is not opened.

    Whoever closes a file gives up all locks that their process has on it (POSIX), those of SQLite's connections too;
    then another process takes itself for the last one, and deletes the log under them when it closes. Source: "How To
    Corrupt An SQLite Database File", section 2.2, sqlite.org.

    Raises:
        OSError: it cannot be made, or not be read and written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        wrong = errno.EISDIR if Path(path).is_dir() else 0 if os.access(path, os.R_OK | os.W_OK) else errno.EACCES
        if wrong:
            raise OSError(wrong, os.strerror(wrong), path) from None


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says so, not at the first INSERT
    for pragma in (f"busy_timeout={_BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def postgresql_engine(url: URL, password: str | None, tls: Mapping[str, str]) -> Engine:
    """Return an engine that gives up on a silent server after seconds; libpq's own environment fills what is absent."""
    arguments: dict[str, Any] = {
        "connect_timeout": _CONNECT_TIMEOUT_S,
        "tcp_user_timeout": _CONNECT_TIMEOUT_S * 1000,
        "options": f"-c timezone=UTC -c statement_timeout={_STATEMENT_TIMEOUT_MS}",
        "application_name": "winnow",
        **tls,
    }
    if password is not None:
        arguments["password"] = password
    driver_url = url.set(drivername="postgresql+psycopg")
    return create_engine(driver_url, connect_args=arguments, pool_pre_ping=True, pool_timeout=_CONNECT_TIMEOUT_S)


def writing(engine: Engine) -> Engine:
    """Return the engine for transactions that write; `take_turn` must be their first statement."""
    return engine.execution_options(**{_WRITING: True})


def take_turn(connection: Connection) -> None:
    """No other writer is at work until this transaction ends.

    What one transaction reads, it may therefore write back, and positions become visible in ascending order, so that
    nobody who follows them misses one. SQLite has taken its turn with BEGIN IMMEDIATE.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _WRITERS_TURN})


def insert_or_replace(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, adding: Sequence[str] = ()
) -> None:
    """Every row is in the table; one with the same primary key has the new values, or their sum in columns `adding`."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = _insert(connection, table)
    changes = {
        name: table.c[name] + statement.excluded[name] if name in adding else statement.excluded[name]
        for name in rows[0]
        if name not in keys
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))


def insert_if_new(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Every row is in the table; those that break a unique constraint were left out."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), list(rows))


def is_one_of(connection: Connection, column: Column[str], texts: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of the texts, as one parameter, however many there are.

    A parameter each costs more than the search: the statement is compiled anew for each number of them.
    """
    if connection.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(texts), type_=ARRAY(Text)))
    listed = func.json_each(bindparam(None, json.dumps(texts))).table_valued("value")
    return column.in_(select(listed.c.value))


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)

"""From an address to an open store."""

from pathlib import Path

from sqlalchemy import URL, Engine, inspect, make_url
from sqlalchemy.exc import ArgumentError

from winnow.cloud_sink.store.dialects import postgresql_engine, sqlite_engine
from winnow.cloud_sink.store.errors import StoreUnusableError
from winnow.cloud_sink.store.schema import events
from winnow.cloud_sink.store.sql_store import SqlStore, address_of, translated
from winnow.cloud_sink.store.store import Store
from winnow.runtime.clock import Clock, SystemClock

_POSTGRESQL = frozenset({"postgresql", "postgres"})


def parse_store_url(url: str) -> URL:
    """Return the parts of a store's address.

    Raises:
        StoreUnusableError: neither `sqlite:///PATH` nor `postgresql://[USER@]HOST[:PORT]/DATABASE`.
    """
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise StoreUnusableError("the store's address is no URL: write sqlite:///PATH or postgresql://…") from exc
    if parts.drivername in _POSTGRESQL:
        return parts.set(drivername="postgresql")
    if parts.drivername != "sqlite":
        raise StoreUnusableError(f"{parts.drivername}: no such store: write sqlite:///PATH or postgresql://…")
    if parts.host or not parts.database or parts.database == ":memory:":
        raise StoreUnusableError("sqlite: write sqlite:///PATH (relative) or sqlite:////PATH (absolute)")
    return parts


def open_store(
    url: str, *, password_file: Path | None = None, create: bool = True, clock: Clock | None = None
) -> Store:
    """Return the store at `url`, its tables created if they were not there.

    Args:
        url: `sqlite:///PATH` or `postgresql://[USER@]HOST[:PORT]/DATABASE`. PostgreSQL's usual environment variables
            (`PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE`, …) fill what the URL leaves open.
        password_file: a file that holds PostgreSQL's password alone.
        create: False changes nothing and demands that a sink has been here before.
        clock: stamps what is stored.

    Raises:
        StoreUnusableError: the address is wrong, or there is no store and `create` is False.
        StoreUnavailableError: the database does not answer.
    """
    parts = parse_store_url(url)
    engine = engine_of(parts, password_file, create=create)
    store = SqlStore(engine, clock or SystemClock())
    try:
        if create:
            store.create_tables()
        else:
            _demand_tables(engine)
    except BaseException:
        store.close()
        raise
    return store


def engine_of(parts: URL, password_file: Path | None, *, create: bool) -> Engine:
    """Return an engine for the parts of a store's address; see `open_store`."""
    if parts.drivername == "postgresql":
        return postgresql_engine(parts, _password(password_file))
    path = Path(str(parts.database))
    if not create and not path.exists():
        raise StoreUnusableError(f"{path}: no such file; `winnow sink` creates it")
    try:
        return sqlite_engine(str(path))
    except OSError as exc:
        raise StoreUnusableError(f"{path}: {exc.strerror}; its directory must exist and be writable") from exc


def _password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise StoreUnusableError(f"password_file: {path} cannot be read") from exc


def _demand_tables(engine: Engine) -> None:
    with translated(engine):
        if not inspect(engine).has_table(events.name):
            raise StoreUnusableError(f"{address_of(engine)}: holds no events; start `winnow sink` on it first")

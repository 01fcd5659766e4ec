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
from winnow.runtime.settings import SettingsError
from winnow.runtime.tls import TlsSettings, client_context

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
    url: str,
    *,
    password_file: Path | None = None,
    tls: TlsSettings | None = None,
    create: bool = True,
    clock: Clock | None = None,
) -> Store:
    """Return the store at `url`, its tables created if they were not there.

    Args:
        url: `sqlite:///PATH` or `postgresql://[USER@]HOST[:PORT]/DATABASE`. PostgreSQL's usual environment variables
            (`PGPASSWORD`, `PGPASSFILE`, `PGSSLMODE`, …) fill what the URL leaves open.
        password_file: a file that holds PostgreSQL's password alone.
        tls: demands TLS and verifies who answers; None: as the URL or libpq's environment says.
        create: False changes nothing and demands that a sink has been here before.
        clock: stamps what is stored.

    Raises:
        StoreUnusableError: the address is wrong, a file cannot be read, or there is no store and `create` is False.
        StoreUnavailableError: the database does not answer.
    """
    parts = parse_store_url(url)
    engine = engine_of(parts, password_file, tls, create=create)
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


def engine_of(parts: URL, password_file: Path | None, tls: TlsSettings | None, *, create: bool) -> Engine:
    """Return an engine for the parts of a store's address; see `open_store`."""
    if parts.drivername == "postgresql":
        return postgresql_engine(parts, _password(password_file), _verified(tls) if tls is not None else {})
    path = Path(str(parts.database))
    if not create and not path.exists():
        raise StoreUnusableError(f"{path}: no such file; `winnow sink` creates it")
    try:
        return sqlite_engine(str(path))
    except OSError as exc:
        raise StoreUnusableError(f"{path}: {exc.strerror}; its directory must exist and be writable") from exc


def _verified(tls: TlsSettings) -> dict[str, str]:
    """Return the words by which libpq verifies the server, and shows this end's certificate if it has one.

    libpq reads the files at each new connection, so a renewed certificate is taken up by itself; that they can be used
    is seen here, because libpq would name no setting.
    """
    try:
        client_context(tls)
    except SettingsError as exc:
        raise StoreUnusableError(f"store.{exc}") from exc
    files = {"sslrootcert": tls.ca_file or "system", "sslcert": tls.certificate_file, "sslkey": tls.key_file}
    return {"sslmode": "verify-full", **{name: str(path) for name, path in files.items() if path is not None}}


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

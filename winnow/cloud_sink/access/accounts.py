"""Users and their passwords, on SQLite or PostgreSQL; sessions and tokens hang on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from winnow.cloud_sink.access import audit
from winnow.cloud_sink.access.passwords import Passwords
from winnow.cloud_sink.access.people import AccessError, AuditLine, Caller, Role, User, checked_name, checked_role
from winnow.cloud_sink.access.sessions import Sessions
from winnow.cloud_sink.access.tables import metadata, sessions, tokens, users
from winnow.cloud_sink.access.tokens import Tokens
from winnow.cloud_sink.store.dialects import take_turn, writing
from winnow.cloud_sink.store.opening import engine_of, parse_store_url
from winnow.cloud_sink.store.sql_store import translated
from winnow.runtime.clock import Clock, SystemClock
from winnow.runtime.tls import TlsSettings

MAX_AUDIT_LINES = 1000


class Accounts:
    """Who has access. Every method is one transaction, and every change leaves an audit line in it.

    All raise `StoreError` when the database does not answer.

    Args:
        engine: where the tables are; they are made if they are missing.
        clock: stamps what is done.
        passwords: hashes them.

    Attributes:
        sessions: of people who logged in.
        tokens: of programs.
    """

    def __init__(self, engine: Engine, clock: Clock, passwords: Passwords) -> None:
        self._engine = engine
        self._clock = clock
        self._passwords = passwords
        with_access = {"reading": self._reading, "transaction": self._transaction}
        self.sessions = Sessions(sessions, sessions.c.seen_at, **with_access, clock=clock)
        self.tokens = Tokens(tokens, tokens.c.used_at, **with_access, clock=clock)
        with self._transaction() as connection:
            metadata.create_all(connection)

    def users(self) -> list[User]:
        """Return everybody who can log in, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).all()
        return [User(name=row.name, role=checked_role(row.role), created_at=row.created_at) for row in rows]

    def add_user(self, name: str, role: Role, password: str, by: Caller) -> None:
        """The user can log in.

        Raises:
            AccessError: the name is taken or not allowed, or the password is too short.
        """
        hashed = self._passwords.hashed(password)
        values = {"name": checked_name(name), "role": checked_role(role), "password_hash": hashed}
        with self._transaction() as connection:
            if self._exists(connection, name):
                raise AccessError(f"there is a user {name} already")
            connection.execute(insert(users), values | {"created_at": self._clock.now()})
            audit.write_line(connection, by, "user added", f"{name} ({role})", self._clock.now())

    def remove_user(self, name: str, by: Caller) -> None:
        """The user can no longer log in, and is logged out everywhere.

        Raises:
            AccessError: there is no such user, or it is the last admin.
        """
        with self._transaction() as connection:
            self._demand(connection, name)
            self._keep_an_admin(connection, name)
            connection.execute(delete(users).where(users.c.name == name))
            connection.execute(delete(sessions).where(sessions.c.user == name))
            audit.write_line(connection, by, "user removed", name, self._clock.now())

    def set_role(self, name: str, role: Role, by: Caller) -> None:
        """The user has the role, at once.

        Raises:
            AccessError: there is no such user or role, or it is the last admin.
        """
        with self._transaction() as connection:
            self._demand(connection, name)
            if checked_role(role) != "admin":
                self._keep_an_admin(connection, name)
            connection.execute(update(users).where(users.c.name == name).values(role=role))
            audit.write_line(connection, by, "role changed", f"{name} ({role})", self._clock.now())

    def set_password(self, name: str, password: str, by: Caller) -> None:
        """Only the new password is good, and the user is logged out everywhere.

        Raises:
            AccessError: there is no such user, or the password is too short.
        """
        hashed = self._passwords.hashed(password)
        with self._transaction() as connection:
            self._demand(connection, name)
            connection.execute(update(users).where(users.c.name == name).values(password_hash=hashed))
            connection.execute(delete(sessions).where(sessions.c.user == name))
            audit.write_line(connection, by, "password changed", name, self._clock.now())

    def log_out_everywhere(self, name: str, by: Caller) -> None:
        """Every session of the user is over; the password stays good.

        Raises:
            AccessError: there is no such user.
        """
        with self._transaction() as connection:
            self._demand(connection, name)
            connection.execute(delete(sessions).where(sessions.c.user == name))
            audit.write_line(connection, by, "logged out everywhere", name, self._clock.now())

    def password_matches(self, name: str, password: str) -> bool:
        """Return whether it is the user's password; takes as long for a user whom nobody knows."""
        query = select(users.c.password_hash).where(users.c.name == name)
        with self._reading() as connection:
            stored = connection.execute(query).scalar_one_or_none()
        return self._passwords.matches(stored, password)

    def note_refused(self, name: str, origin: str, what: str) -> None:
        """A login was refused: an audit line; a name that nobody has is not written, it may be a password."""
        with self._transaction() as connection:
            who = name if self._exists(connection, name) else audit.UNKNOWN
            audit.write_line(connection, Caller(who=who, origin=origin), what, "", self._clock.now())

    def audit_lines(self, limit: int = 100) -> list[AuditLine]:
        """Return who did what, the newest first."""
        with self._reading() as connection:
            return audit.read_lines(connection, min(limit, MAX_AUDIT_LINES))

    def close(self) -> None:
        """Every connection is closed."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(self._engine), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """Commit what the block does, or nothing of it; one writer at a time."""
        with translated(self._engine), writing(self._engine).begin() as connection:
            take_turn(connection)
            yield connection

    def _exists(self, connection: Connection, name: str) -> bool:
        return connection.execute(select(users.c.name).where(users.c.name == name)).first() is not None

    def _demand(self, connection: Connection, name: str) -> None:
        if not self._exists(connection, name):
            raise AccessError("there is no such user; see `winnow users list`")

    def _keep_an_admin(self, connection: Connection, name: str) -> None:
        query = select(func.count()).select_from(users).where(users.c.role == "admin", users.c.name != name)
        if not connection.execute(query).scalar_one():
            raise AccessError(f"{name} is the last admin: make another one first")


def open_accounts(
    url: str,
    *,
    password_file: Path | None = None,
    tls: TlsSettings | None = None,
    clock: Clock | None = None,
    passwords: Passwords | None = None,
) -> Accounts:
    """Return who has access to the store at `url`; see `open_store` for address and errors."""
    engine = engine_of(parse_store_url(url), password_file, tls, create=True)
    try:
        return Accounts(engine, clock or SystemClock(), passwords or Passwords())
    except BaseException:
        engine.dispose()
        raise

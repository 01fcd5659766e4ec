"""Sessions: a person who logged in, until they log out, rest too long, or lose their access."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, or_, select, update

from winnow.cloud_sink.access import audit
from winnow.cloud_sink.access.passwords import csrf_of, digest_of, new_secret
from winnow.cloud_sink.access.people import Caller, Principal, checked_role
from winnow.cloud_sink.access.tables import sessions, users
from winnow.runtime.clock import Clock

IDLE: Final = timedelta(hours=12)
"""A session that nobody uses for so long ends."""
LONGEST: Final = timedelta(days=7)
"""No session lasts longer. Both: OWASP Session Management Cheat Sheet's idle and absolute timeouts, for a page that
somebody keeps open through a working day."""
_NOTED: Final = timedelta(minutes=1)
"""A session's use is written down so often at most, so that looking at the page is not writing."""

Transaction = Callable[[], AbstractContextManager[Connection]]


class Sessions:
    """The sessions of all users.

    Args:
        reading: opens a transaction that only reads; everything that the page asks for needs one.
        transaction: opens one that writes, and waits for its turn.
        clock: ends them.
    """

    def __init__(self, reading: Transaction, transaction: Transaction, clock: Clock) -> None:
        self._reading = reading
        self._transaction = transaction
        self._clock = clock

    def start(self, name: str, origin: str, *, instead_of: str | None = None) -> str:
        """Return the secret of a new session; nobody knew it before, and the one that the browser had is over."""
        secret, now = new_secret(), self._clock.now()
        with self._transaction() as connection:
            ended = or_(sessions.c.seen_at <= now - IDLE, sessions.c.created_at <= now - LONGEST)
            connection.execute(delete(sessions).where(ended))
            if instead_of is not None:
                connection.execute(delete(sessions).where(sessions.c.digest == digest_of(instead_of)))
            values = {"digest": digest_of(secret), "user": name, "created_at": now, "seen_at": now}
            connection.execute(insert(sessions), values)
            audit.write_line(connection, Caller(who=name, origin=origin), "login", "", now)
        return secret

    def principal(self, secret: str) -> Principal | None:
        """Return whose session it is, None if it is over or never was."""
        now, digest = self._clock.now(), digest_of(secret)
        query = select(sessions, users.c.role).join(users, users.c.name == sessions.c.user)
        with self._reading() as connection:
            row = connection.execute(query.where(sessions.c.digest == digest)).first()
        if row is None or now - row.seen_at >= IDLE or now - row.created_at >= LONGEST:
            return None
        if now - row.seen_at >= _NOTED:
            with self._transaction() as connection:
                connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=now))
        return Principal(name=row.user, role=checked_role(row.role), csrf=csrf_of(secret))

    def end(self, secret: str, caller: Caller) -> None:
        """The session is over."""
        with self._transaction() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest_of(secret)))
            audit.write_line(connection, caller, "logout", "", self._clock.now())

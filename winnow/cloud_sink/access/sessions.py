"""Sessions: a person who logged in, until they log out, rest too long, or lose their access."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, insert, or_, select

from winnow.cloud_sink.access import audit
from winnow.cloud_sink.access.passwords import csrf_of, digest_of, new_secret
from winnow.cloud_sink.access.people import Caller, Principal, checked_role
from winnow.cloud_sink.access.secrets import KeptSecrets
from winnow.cloud_sink.access.tables import sessions, users

IDLE: Final = timedelta(hours=12)
"""A session that nobody uses for so long ends."""
LONGEST: Final = timedelta(days=7)
"""No session lasts longer. Both: OWASP Session Management Cheat Sheet's idle and absolute timeouts, for a page that
somebody keeps open through a working day."""


class Sessions(KeptSecrets):
    """The sessions of all users."""

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
        query = select(sessions, users.c.role).join(users, users.c.name == sessions.c.user)
        row, now = self._row_of(secret, query), self._clock.now()
        if row is None or now - row.seen_at >= IDLE or now - row.created_at >= LONGEST:
            return None
        self._note_use(secret, row.seen_at)
        return Principal(name=row.user, role=checked_role(row.role), csrf=csrf_of(secret))

    def end(self, secret: str, caller: Caller) -> None:
        """The session is over."""
        with self._transaction() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest_of(secret)))
            audit.write_line(connection, caller, "logout", "", self._clock.now())

"""Tokens: the access of programs, which have neither a browser nor a password."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, insert, select

from winnow.cloud_sink.access import audit
from winnow.cloud_sink.access.passwords import digest_of, new_secret
from winnow.cloud_sink.access.people import AccessError, Caller, Principal, Role, Token, checked_name, checked_role
from winnow.cloud_sink.access.secrets import KeptSecrets
from winnow.cloud_sink.access.tables import tokens

PREFIX: Final = "winnow_"
"""Lets people, and programs that look for leaked secrets, see what it is."""


class Tokens(KeptSecrets):
    """The tokens of all programs."""

    def create(self, name: str, role: Role, by: Caller, *, lasts: timedelta | None = None) -> str:
        """Return a new token's secret; only its hash is kept, so nobody can show it again.

        Raises:
            AccessError: the name is taken or not allowed.
        """
        secret, now = PREFIX + new_secret(), self._clock.now()
        values = {
            "name": checked_name(name),
            "digest": digest_of(secret),
            "role": checked_role(role),
            "created_by": by.who,
            "created_at": now,
            "expires_at": None if lasts is None else now + lasts,
        }
        with self._transaction() as connection:
            if connection.execute(select(tokens.c.name).where(tokens.c.name == name)).first() is not None:
                raise AccessError(f"there is a token {name} already: revoke it, or take another name")
            connection.execute(insert(tokens), values)
            audit.write_line(connection, by, "token created", f"{name} ({role})", now)
        return secret

    def revoke(self, name: str, by: Caller) -> None:
        """The token opens nothing any more.

        Raises:
            AccessError: there is none of that name.
        """
        with self._transaction() as connection:
            gone = connection.execute(delete(tokens).where(tokens.c.name == name))
            if not gone.rowcount:
                raise AccessError("there is no such token; see `winnow tokens list`")
            audit.write_line(connection, by, "token revoked", name, self._clock.now())

    def principal(self, secret: str) -> Principal | None:
        """Return whose token it is, None if it was revoked, is too old, or never was."""
        row = self._row_of(secret, select(tokens))
        if row is None or (row.expires_at is not None and self._clock.now() >= row.expires_at):
            return None
        self._note_use(secret, row.used_at)
        return Principal(name=f"token:{row.name}", role=checked_role(row.role), csrf=None)

    def all(self) -> list[Token]:
        """Return every token, by name."""
        with self._reading() as connection:
            rows = connection.execute(select(tokens).order_by(tokens.c.name)).all()
        return [
            Token(
                name=row.name,
                role=checked_role(row.role),
                created_by=row.created_by,
                created_at=row.created_at,
                expires_at=row.expires_at,
                used_at=row.used_at,
            )
            for row in rows
        ]

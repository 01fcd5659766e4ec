"""What sessions and tokens have in common: secrets of which only the hash is kept, and whose use is noted."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Column, Connection, Row, Select, Table, update

from winnow.cloud_sink.access.passwords import digest_of
from winnow.runtime.clock import Clock

NOTED_EVERY: Final = timedelta(minutes=1)
"""A secret's use is written down so often at most, so that looking at the page is not writing."""

Transaction = Callable[[], AbstractContextManager[Connection]]


class KeptSecrets:
    """Secrets of one kind, in one table with a column `digest`.

    Args:
        table: where they are.
        used_at: its column that says when each was used last.
        reading: opens a transaction that only reads; everything that the page asks for needs one.
        transaction: opens one that writes, and waits for its turn.
        clock: ends them.
    """

    def __init__(
        self, table: Table, used_at: Column[Any], *, reading: Transaction, transaction: Transaction, clock: Clock
    ) -> None:
        self._table = table
        self._used_at = used_at
        self._reading = reading
        self._transaction = transaction
        self._clock = clock

    def _row_of(self, secret: str, query: Select[Any]) -> Row[Any] | None:
        """Return the query's row of a secret, None if there is none."""
        with self._reading() as connection:
            return connection.execute(query.where(self._table.c.digest == digest_of(secret))).first()

    def _note_use(self, secret: str, last: datetime | None) -> None:
        """The table says that the secret was used just now, to the minute."""
        now = self._clock.now()
        if last is not None and now - last < NOTED_EVERY:
            return
        with self._transaction() as connection:
            mine = self._table.c.digest == digest_of(secret)
            connection.execute(update(self._table).where(mine).values({self._used_at: now}))

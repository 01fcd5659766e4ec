"""Defects that are planted in a spool from outside, in the writer's process alone: each must turn a test red."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from winnow.events import Receipt
from winnow.pipeline.delivery import Message, SqliteSpool

Tell = Callable[..., None]


class EarlyTongue:
    """A database connection that says what a commit will have done, and then commits."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.before_commit: Callable[[], None] = lambda: None

    def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
        """Run a statement; tell before a COMMIT."""
        if sql == "COMMIT":
            self.before_commit()
            self.before_commit = lambda: None
        return self._database.execute(sql, *arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)


def synchronous_off(spool: SqliteSpool, _tell: Tell) -> None:
    """Nothing is synced."""
    spool._database.execute("PRAGMA synchronous = OFF")


def synchronous_normal(spool: SqliteSpool, _tell: Tell) -> None:
    """A commit is not synced."""
    spool._database.execute("PRAGMA synchronous = NORMAL")


def accepted_first(spool: SqliteSpool, tell: Tell) -> None:
    """What is about to be committed counts as accepted."""
    tongue = EarlyTongue(spool._database)
    vars(spool)["_database"] = tongue
    append = spool.append

    def tell_and_append(messages: Sequence[Message]) -> list[Message]:
        first, last = spool.last_sequence + 1, spool.last_sequence + len(messages)
        tongue.before_commit = lambda: tell("accepted", spool.epoch, first, last)
        return append(messages)

    vars(spool)["append"] = tell_and_append


def numbers_first(spool: SqliteSpool, _tell: Tell) -> None:
    """Numbers are taken in a transaction of their own."""
    append = spool.append

    def count_and_append(messages: Sequence[Message]) -> list[Message]:
        spool._database.execute("UPDATE life SET last_sequence = last_sequence + ?", (len(messages),))
        return append(messages)

    vars(spool)["append"] = count_and_append


def receipted_first(spool: SqliteSpool, tell: Tell) -> None:
    """What a receipt names counts as deleted before it is."""
    acknowledge = spool.acknowledge

    def tell_and_delete(receipt: Receipt) -> int:
        tell("receipted", spool.epoch, receipt.upto)
        return acknowledge(receipt)

    vars(spool)["acknowledge"] = tell_and_delete


DEFECTS: Final[Mapping[str, Callable[[SqliteSpool, Tell], None]]] = {
    "synchronous-off": synchronous_off,
    "synchronous-normal": synchronous_normal,
    "accepted-before-the-commit": accepted_first,
    "numbers-before-the-rows": numbers_first,
    "receipted-before-the-commit": receipted_first,
}

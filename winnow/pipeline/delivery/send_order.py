"""In which order the spool's messages go out."""

import sqlite3
from collections.abc import Iterator

from winnow.events.limits import MAX_SEQUENCE
from winnow.pipeline.delivery.priority import SEND_ORDER


def in_send_order(
    database: sqlite3.Connection, limit: int, *, live_after: int, max_message_bytes: int
) -> Iterator[tuple[int, int]]:
    """Yield sequence and size of what waits, in the order of `SEND_ORDER`, then by age.

    Args:
        database: the spool's.
        limit: at most so many of each group are looked up.
        live_after: messages with a higher sequence are live.
        max_message_bytes: larger ones are passed over.
    """
    for send_class, is_live in SEND_ORDER:
        first, last = (live_after + 1, MAX_SEQUENCE) if is_live else (1, live_after)
        yield from database.execute(
            "SELECT sequence, size_bytes FROM message WHERE send_class = ? AND sequence BETWEEN ? AND ?"
            " AND size_bytes <= ? ORDER BY sequence LIMIT ?",
            (send_class, first, last, max_message_bytes, limit),
        )

"""One line for every login and every change: in the store with the change itself, and in the log."""

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, insert, select

from winnow.cloud_sink.access.people import AuditLine, Caller
from winnow.cloud_sink.access.tables import audit_lines

UNKNOWN: Final = "-"
_ORIGIN_LENGTH: Final = 100

_log: Final = logging.getLogger(__name__)


def write_line(connection: Connection, caller: Caller, what: str, about: str, at: datetime) -> None:
    """The line is part of the transaction, and in the log."""
    origin = caller.origin[:_ORIGIN_LENGTH]
    connection.execute(
        insert(audit_lines), {"at": at, "who": caller.who, "what": what, "about": about, "origin": origin}
    )
    _log.info("Audit", extra={"who": caller.who, "what": what, "about": about or UNKNOWN, "origin": origin})


def read_lines(connection: Connection, limit: int) -> list[AuditLine]:
    """Return the newest lines, the newest first."""
    query = select(audit_lines).order_by(audit_lines.c.position.desc()).limit(limit)
    return [
        AuditLine(at=row.at, who=row.who, what=row.what, about=row.about, origin=row.origin)
        for row in connection.execute(query)
    ]

"""Log lines: readable on a terminal, one JSON object a line for a service manager.

Secrets do not get this far: addresses are shown without their logins where they are logged, and as a last line of
defence a login in anything that looks like a URL is replaced here too.
"""

import json
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TextIO

from winnow.runtime.credentials import without_logins

LogFormat = Literal["auto", "text", "json"]

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_COLOURS: Final = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_COLOUR_OFF: Final = "\x1b[0m"

_PRIORITIES: Final = {"DEBUG": 7, "INFO": 6, "WARNING": 4, "ERROR": 3, "CRITICAL": 2}
"""Levels of syslog. Source: sd-daemon(3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStyle:
    """How a log line looks.

    Attributes:
        is_json: one JSON object a line.
        has_colour: warnings and errors stand out on a terminal.
        has_priority: `<4>` in front tells the journal the level.
    """

    is_json: bool
    has_colour: bool = False
    has_priority: bool = False


def log_style(chosen: LogFormat, environ: Mapping[str, str], stream: TextIO) -> LogStyle:
    """Return how to log to a stream: as chosen, else readable on a terminal and JSON everywhere else.

    Args:
        chosen: `auto` decides by the stream.
        environ: `NO_COLOR` and `TERM=dumb` turn colours off; `JOURNAL_STREAM` tells whether the stream is the journal.
        stream: where the lines go.
    """
    is_terminal = stream.isatty()
    wants_colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return LogStyle(
        is_json=chosen == "json" or (chosen == "auto" and not is_terminal),
        has_colour=is_terminal and wants_colour and chosen != "json",
        has_priority=_is_journal(environ.get("JOURNAL_STREAM", ""), stream),
    )


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return the facts that a call gave with `extra=`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD_FIELDS}


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, then its facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **extra_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_logins(json.dumps(line, default=str))


class ConsoleFormatter(logging.Formatter):
    """`12:00:00 WARNING message  key=value …`.

    Args:
        has_colour: warnings are yellow, errors red.
    """

    def __init__(self, *, has_colour: bool = False) -> None:
        super().__init__()
        self._has_colour = has_colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line that a person reads."""
        stamp = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        facts = "".join(f"  {key}={value}" for key, value in extra_fields(record).items())
        line = f"{stamp} {record.levelname:<7} {record.getMessage()}{facts}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        colour = _COLOURS.get(record.levelname) if self._has_colour else None
        return without_logins(f"{colour}{line}{_COLOUR_OFF}" if colour else line)


class PriorityFormatter(logging.Formatter):
    """Another formatter's lines with the level that the journal keeps beside them."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Return every line of the record with its priority in front."""
        prefix = f"<{_PRIORITIES.get(record.levelname, 6)}>"
        return "\n".join(prefix + line for line in self._inner.format(record).splitlines())


def configure_logging(level: str = "INFO", stream: TextIO = sys.stderr, *, style: LogStyle | None = None) -> None:
    """Send every log record of the process to `stream`, in the style given or the one that suits the stream."""
    chosen = style or log_style("auto", {}, stream)
    lines = JsonFormatter() if chosen.is_json else ConsoleFormatter(has_colour=chosen.has_colour)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PriorityFormatter(lines) if chosen.has_priority else lines)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _is_journal(named: str, stream: TextIO) -> bool:
    """Return whether the stream is the one that `JOURNAL_STREAM` names by device and inode."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return named == f"{found.st_dev}:{found.st_ino}"

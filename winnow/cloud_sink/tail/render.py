"""One event → one line for people. Pure."""

from datetime import datetime, tzinfo
from typing import Final

from rich.text import Text

from winnow.cloud_sink.tail.words import describe
from winnow.events import Event

_KIND_STYLES: Final = {
    "object": "cyan",
    "line": "bold green",
    "zone": "green",
    "sequence": "bold green",
    "camera": "yellow",
    "node": "bright_black",
    "spool": "bold red",
    "model": "magenta",
}
_WARNINGS: Final = frozenset({"camera.offline", "camera.degraded", "model.rejected"})

PLACE_WIDTH: Final = 20
KIND_WIDTH: Final = 18
SUBJECT_WIDTH: Final = 14


def render_event(event: Event, zone: tzinfo | None = None) -> Text:
    """Return time, place, kind, object and what happened, in columns, as one line without its end.

    Args:
        event: any.
        zone: in which time is told; absent: the machine's own.
    """
    place = f"{event.node}/{event.camera}" if event.camera else event.node
    style = "bold red" if event.kind in _WARNINGS else _KIND_STYLES[event.kind.partition(".")[0]]
    line = Text(no_wrap=True, end="")
    line.append(_time_text(event.time, zone), "bright_black")
    line.append("  ")
    line.append(visible(place).ljust(PLACE_WIDTH), "blue")
    line.append("  ")
    line.append(event.kind.ljust(KIND_WIDTH), style)
    line.append(visible(event.subject or "").ljust(SUBJECT_WIDTH), "bold")
    line.append("  ")
    line.append(visible(describe(event.data)))
    return line


def _time_text(moment: datetime, zone: tzinfo | None) -> str:
    try:
        local = moment.astimezone(zone)
    except OverflowError:  # the first or the last hours of the calendar
        local = moment
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def visible(text: str) -> str:
    """Return `text` with everything that a terminal obeys instead of showing it written out: its code, escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)

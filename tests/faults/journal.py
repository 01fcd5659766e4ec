"""The oracle's memory: what a feeder is about to hand over, and what was accepted of it, in a file that outlives it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from winnow.events import Event, Thumbnail
from winnow.events.thumbnail import sha256_of

_OURS: Final = (b'{"what":"issued"', b'{"what":"accepted"')
"""A history holds other lines beside a journal's."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the journal.

    Attributes:
        what: `issued` is written before the spool is asked, `accepted` after it has agreed.
        number: of the step that made the message.
        sha256: of an event's data or a thumbnail's JPEG.
        epoch: empty if issued.
        sequence: 0 if issued.
    """

    what: Literal["issued", "accepted"]
    number: int
    source: str
    id: str
    kind: str
    sha256: str
    epoch: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal as it was read."""

    issued: tuple[Entry, ...]
    accepted: tuple[Entry, ...]

    @property
    def last_number(self) -> int:
        """Return the highest number that was issued; -1 before the first."""
        return max((entry.number for entry in self.issued), default=-1)


class JournalWriter:
    """Appends to a journal; each call is one write, so that SIGKILL leaves whole lines of what had happened."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, what: Literal["issued", "accepted"], number: int, messages: Sequence[Event | Thumbnail]) -> None:
        """Append a line for each message."""
        lines = [msgspec.json.encode(entry_of(what, number, message)) + b"\n" for message in messages]
        os.write(self._file, b"".join(lines))


def entry_of(what: Literal["issued", "accepted"], number: int, message: Event | Thumbnail) -> Entry:
    """Return what the journal says of a message."""
    content = message.jpeg if isinstance(message, Thumbnail) else message.data_json
    recorded = message.recorded
    return Entry(
        what=what,
        number=number,
        source=message.source,
        id=message.id,
        kind=message.kind,
        sha256=sha256_of(content),
        epoch=recorded.epoch if recorded else "",
        sequence=recorded.sequence if recorded else 0,
    )


def read_journal(path: Path) -> Journal:
    """Return what a journal says; empty if there is none yet."""
    whole, _, _unfinished = (path.read_bytes() if path.exists() else b"").rpartition(b"\n")
    entries = [msgspec.json.decode(line, type=Entry) for line in whole.splitlines() if line.startswith(_OURS)]
    return Journal(
        issued=tuple(entry for entry in entries if entry.what == "issued"),
        accepted=tuple(entry for entry in entries if entry.what == "accepted"),
    )

"""What a damaged log held: the numbers that were given out in commits which SQLite could not read any more.

Theory. SQLite reads its log up to the first frame whose checksum is wrong, and takes the rest for a transaction that
was never finished. If that frame has rotten, everything accepted after it is gone without a word, and its numbers would
be given out again. But every append writes the page with the highest number. So the highest one in any copy of that
page in the log, behind which a commit was finished, is the highest that was ever given out.

Format: "WAL file format" in https://www.sqlite.org/fileformat2.html#walformat, record format in section 2 of that page.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LOG_HEADER_BYTES: Final = 32
_FRAME_HEADER_BYTES: Final = 24
_LEAF: Final = 13
"""Type of a page of a table that holds rows."""
_INTEGER_BYTES: Final = 8


def highest_in_log(path: Path, database: sqlite3.Connection) -> int:
    """Return the highest sequence of this node and epoch that a finished commit in the log speaks of; 0 if none does.

    To be asked before the log is emptied.
    """
    (life_page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'life'").fetchone()
    (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
    node, epoch = database.execute("SELECT node, epoch FROM life").fetchone()
    marks = f"{node}{epoch}".encode()
    highest = pending = 0
    salt = b""
    for header, page in _frames(path.with_name(f"{path.name}-wal"), page_bytes):
        if header[8:16] != salt:
            salt, pending = header[8:16], 0
        if int.from_bytes(header[:4]) == life_page:
            pending = max(pending, _number_behind(marks, page))
        if header[4:8] != bytes(4):  # the last frame of a commit tells the size of the database
            highest, pending = max(highest, pending), 0
    return highest


def _frames(log: Path, page_bytes: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield header and page of each whole frame."""
    if not log.exists():
        return
    with log.open("rb") as file:
        file.seek(_LOG_HEADER_BYTES)
        while len(frame := file.read(_FRAME_HEADER_BYTES + page_bytes)) == _FRAME_HEADER_BYTES + page_bytes:
            yield frame[:_FRAME_HEADER_BYTES], frame[_FRAME_HEADER_BYTES:]


def _number_behind(marks: bytes, page: bytes) -> int:
    """Return the integer that follows node and epoch in the one row of a page; 0 if the page is not as it should be."""
    if page[0] != _LEAF or int.from_bytes(page[3:5]) != 1:
        return 0
    row = page[int.from_bytes(page[8:10]) :]
    at = row.find(marks)
    if at < 0:
        return 0
    number = row[at + len(marks) :]
    return int.from_bytes(number, signed=True) if len(number) <= _INTEGER_BYTES else 0

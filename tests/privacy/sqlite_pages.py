"""Puts together what SQLite has spread over pages: in a database file and its write-ahead log, deleted rows included.

A value that does not fit into a page goes on in overflow pages: the number of the first one stands behind the part in
the table's page, that of the next one in front of each. Where the local part ends is not looked up, for the cell may
have been freed and overwritten: every place that holds the number of a known page is tried.
Source: https://www.sqlite.org/fileformat2.html, sections 1.6 and 4.
"""

from collections.abc import Iterator
from typing import Final

PAGE_BYTES: Final = 4096
WAL_HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24
LONGEST_CHAIN: Final = 16

Page = tuple[int, bytes]
"""Its number and what it holds; the same number comes again with each version in the log."""


def pages_of(database: bytes, wal: bytes) -> list[Page]:
    """Return every page of both files, in the order in which they were written."""
    pages = [
        (start // PAGE_BYTES + 1, database[start : start + PAGE_BYTES])
        for start in range(0, len(database) - PAGE_BYTES + 1, PAGE_BYTES)
    ]
    step = FRAME_HEADER_BYTES + PAGE_BYTES
    for start in range(WAL_HEADER_BYTES, len(wal) - step + 1, step):
        number = int.from_bytes(wal[start : start + 4], "big")
        pages.append((number, wal[start + FRAME_HEADER_BYTES : start + step]))
    return pages


def continued(pages: list[Page], mark: bytes) -> Iterator[bytes]:
    """Return each value that begins with `mark`, with what may be its continuation."""
    versions: dict[int, list[int]] = {}
    for index, (number, _) in enumerate(pages):
        versions.setdefault(number, []).append(index)
    for index, (_, content) in enumerate(pages):
        position = content.find(mark)
        while position >= 0:
            for end in range(position + len(mark), PAGE_BYTES - 3):
                following = int.from_bytes(content[end : end + 4], "big")
                if following in versions:
                    yield content[position:end] + _chain(pages, versions, following, index)
            position = content.find(mark, position + 1)


def _chain(pages: list[Page], versions: dict[int, list[int]], number: int, near: int) -> bytes:
    """Return what a page and those behind it hold, in the versions that were written closest to `near`."""
    parts: list[bytes] = []
    while number in versions and len(parts) < LONGEST_CHAIN:
        content = pages[min(versions[number], key=lambda index: abs(index - near))][1]
        parts.append(content[4:])
        number = int.from_bytes(content[:4], "big")
    return b"".join(parts)

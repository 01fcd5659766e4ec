"""What the spool's file knows of the thumbnails in it, readable even where their rows are sealed.

An object is told from others by a number that means nothing: a hash of its names with a salt that only this process
knows. So the file names no camera and no object, and after a restart, when numbers of tracks begin anew, nothing is
taken for another picture of an object of before.
"""

import sqlite3
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from winnow.events import Thumbnail
from winnow.pipeline.delivery.early_steps import Step, pictures_of_updates
from winnow.pipeline.delivery.giving_up import Candidate
from winnow.pipeline.delivery.message import Message

SALT_BYTES: Final = 16

PICTURE_SCHEMA: Final = (
    """CREATE TABLE IF NOT EXISTS picture (
        sequence INTEGER PRIMARY KEY,
        object_key INTEGER NOT NULL,
        is_of_update INTEGER NOT NULL
    ) STRICT""",
    """CREATE TRIGGER IF NOT EXISTS picture_goes AFTER DELETE ON message WHEN old.keep_class = 0
        BEGIN DELETE FROM picture WHERE sequence = old.sequence; END""",
)
"""Beside the messages; `keep_class` as in `KeepClass`: 0 is a thumbnail, 1 an update.

A version that does not know the table leaves it true, because the trigger is in the file.
"""

_CANDIDATES: Final = {
    Step.PICTURES_OF_UPDATES: (
        "SELECT sequence, size_bytes FROM picture JOIN message USING (sequence) WHERE is_of_update ORDER BY sequence"
    ),
    Step.UPDATES: "SELECT sequence, size_bytes FROM message WHERE keep_class = 1 ORDER BY sequence",
    Step.SPARE_PICTURES: (
        "SELECT sequence, size_bytes FROM"
        " (SELECT sequence, max(sequence) OVER (PARTITION BY object_key) AS newest FROM picture)"
        " JOIN message USING (sequence) WHERE sequence < newest ORDER BY sequence"
    ),
}


def note_pictures(database: sqlite3.Connection, recorded: Iterable[Message], *, salt: bytes) -> None:
    """Write down which objects the thumbnails of one batch show, and which belong to plain updates."""
    batch = list(recorded)
    plain = pictures_of_updates(batch)
    database.executemany(
        "INSERT INTO picture VALUES (?, ?, ?)",
        [
            (one.recorded.sequence, object_key(one, salt), one.id in plain)
            for one in batch
            if isinstance(one, Thumbnail) and one.recorded
        ],
    )


def candidates(database: sqlite3.Connection, step: Step) -> list[Candidate]:
    """Return what a step may take, oldest first."""
    return [Candidate(*row) for row in database.execute(_CANDIDATES[step])]


def object_key(picture: Thumbnail, salt: bytes) -> int:
    """Return the same number for pictures of the same object; it has 63 bits."""
    names = f"{picture.camera}\0{picture.subject}".encode()
    return int.from_bytes(blake2b(names, digest_size=8, key=salt).digest()) >> 1

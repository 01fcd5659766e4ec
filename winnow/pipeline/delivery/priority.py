"""What goes out first, and what is given up first: two orders over the kinds of messages.

They differ. An object's start and its end leave in the order in which they happened, so both are in one send class.
But when space runs out the start is worth less: the end repeats where and when the object was first seen.
"""

from enum import IntEnum
from typing import Final, NamedTuple


class SendClass(IntEnum):
    """What a message is when it is sent; see `SEND_ORDER`."""

    CHANGE = 0
    UPDATE = 1
    THUMBNAIL = 2


SEND_ORDER: Final = (
    (SendClass.CHANGE, True),
    (SendClass.UPDATE, True),
    (SendClass.CHANGE, False),
    (SendClass.UPDATE, False),
    (SendClass.THUMBNAIL, True),
    (SendClass.THUMBNAIL, False),
)
"""Class, and whether live: what goes out first stands first; in each, older goes before newer.

A live event of any kind overtakes the backlog of all kinds. Pictures wait for all events: they are most of the bytes.
"""


class KeepClass(IntEnum):
    """Lower is given up first; within a class the oldest is. A tombstone is never given up, only merged."""

    THUMBNAIL = 0
    UPDATE = 1
    CHANGE = 2
    RECORD = 3
    TOMBSTONE = 4


class Priority(NamedTuple):
    """Where one kind stands in both orders."""

    send: SendClass
    keep: KeepClass


_RECORD: Final = Priority(SendClass.CHANGE, KeepClass.RECORD)
_CHANGE: Final = Priority(SendClass.CHANGE, KeepClass.CHANGE)
_UPDATE: Final = Priority(SendClass.UPDATE, KeepClass.UPDATE)

_BY_KIND: Final = {
    "object.started": _CHANGE,
    "object.updated": _UPDATE,
    "object.ended": _RECORD,
    "line.crossed": _RECORD,
    "zone.entered": _RECORD,
    "zone.exited": _RECORD,
    "zone.dwelled": _RECORD,
    "zone.occupancy": _RECORD,
    "sequence.completed": _RECORD,
    "camera.online": _RECORD,
    "camera.offline": _RECORD,
    "camera.degraded": _RECORD,
    "node.stats": _UPDATE,
    "model.activated": _CHANGE,
    "model.rejected": _CHANGE,
    "model.rolledback": _CHANGE,
    "spool.dropped": Priority(SendClass.CHANGE, KeepClass.TOMBSTONE),
    "thumbnail.captured": Priority(SendClass.THUMBNAIL, KeepClass.THUMBNAIL),
}


def priority_of(kind: str) -> Priority:
    """Return both classes of a kind of message.

    Raises:
        KeyError: the contract knows no such kind.
    """
    return _BY_KIND[kind]

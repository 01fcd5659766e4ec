"""Up to which time everything that Kafka held is in the store.

Theory: where records come without a pause, a reader is never at the end of all partitions at the same moment, and still
never behind. So each partition has a mark: where its end was when it was last looked at. Once the reader has passed the
mark, all that the partition held at that time is read, and the next mark is set. The earliest of these times over all
partitions is the answer, a round or two old.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How far one partition is read.

    Attributes:
        position: the next record that will be read.
        end: the next record that will be written, as Kafka told it.
        told_at: when Kafka told that.
    """

    position: int
    end: int
    told_at: datetime


class CatchingUp:
    """Keeps the marks of the partitions that are assigned."""

    def __init__(self) -> None:
        self._marks: dict[Hashable, Reading] = {}
        self._read_at: dict[Hashable, datetime] = {}

    def note(self, readings: Mapping[Hashable, Reading]) -> datetime | None:
        """Return up to when everything was read, None as long as a partition has never been.

        Args:
            readings: of every partition that is assigned now.
        """
        self._marks = {key: mark for key, mark in self._marks.items() if key in readings}
        self._read_at = {key: at for key, at in self._read_at.items() if key in readings}
        for key, reading in readings.items():
            mark = self._marks.setdefault(key, reading)
            if reading.position < mark.end:
                continue
            is_at_end = reading.position >= reading.end
            self._read_at[key] = reading.told_at if is_at_end else mark.told_at
            self._marks[key] = reading
        if not readings or len(self._read_at) < len(readings):
            return None
        return min(self._read_at.values())

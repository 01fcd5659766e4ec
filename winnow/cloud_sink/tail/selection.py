"""Which events a person wants to see. Pure."""

import re
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Final

from winnow.cloud_sink.store import EventFilter
from winnow.cloud_sink.store.rows import label_of
from winnow.events import Event
from winnow.events.data import DATA_TYPES

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events are shown; an empty collection or None shows all.

    Attributes:
        cameras: names, or `NODE/CAMERA` for one camera of one node.
        labels: exact labels.
        kinds: exact kinds.
        since: when the edge recorded it, inclusive.
    """

    cameras: Collection[str] = ()
    labels: Collection[str] = ()
    kinds: Collection[str] = ()
    since: datetime | None = None

    def shows(self, event: Event) -> bool:
        """Return whether the event is wanted."""
        return (
            (not self.cameras or event.camera in self.cameras or f"{event.node}/{event.camera}" in self.cameras)
            and (not self.labels or label_of(event.data) in self.labels)
            and (not self.kinds or event.kind in self.kinds)
            and (self.since is None or event.recorded is None or event.recorded.at >= self.since)
        )

    def store_filter(self) -> EventFilter:
        """Return a filter that lets through at least what `shows` does, so that a store has less to send."""
        names = {camera.rpartition("/")[2] for camera in self.cameras}
        return EventFilter(cameras=tuple(sorted(names)), labels=tuple(self.labels), kinds=tuple(self.kinds))


class Seen:
    """Remembers the newest events, to show what is delivered twice only once.

    Args:
        limit: how many are remembered.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._keys: OrderedDict[tuple[str, str], None] = OrderedDict()

    def is_new(self, event: Event) -> bool:
        """Return whether the event was not among the newest; from now on it is."""
        key = (event.source, event.id)
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            self._keys.popitem(last=False)
        return True


def expand_kinds(words: Collection[str]) -> tuple[str, ...]:
    """Return the kinds that `words` name: `line.crossed` itself, `zone` every kind that starts with `zone.`.

    Raises:
        ValueError: a word names no kind; the message says what is likely meant.
    """
    found: list[str] = []
    for word in words:
        named = [kind for kind in DATA_TYPES if word in (kind, kind.partition(".")[0])]
        if not named:
            likely = get_close_matches(word, [*DATA_TYPES, *{kind.partition(".")[0] for kind in DATA_TYPES}], n=1)
            hint = f"; did you mean {likely[0]}?" if likely else f"; kinds are {', '.join(DATA_TYPES)}"
            raise ValueError(f"{word!r} is no kind of event{hint}")
        found.extend(named)
    return tuple(dict.fromkeys(found))


def parse_duration(text: str) -> timedelta:
    """Return the time that `text` names: `30s`, `10m`, `2h`, `7d`.

    Raises:
        ValueError: it names none.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 10m, 2h or 7d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])

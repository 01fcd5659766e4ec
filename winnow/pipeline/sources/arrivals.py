"""Which files of a folder are new and complete, told from what a look at the folder shows again and again."""

from collections.abc import Mapping
from typing import Final

SETTLE_S: Final = 3.0
"""A file that nobody has written to for so long is complete: recorders write every second or more often."""

Stamp = tuple[int, int]
"""Size in bytes, and time of the last change in nanoseconds."""


class Arrivals:
    """What came into a folder since it is watched. A file that was there before counts once it changes.

    Args:
        present: what was there at the start.
        settle_s: how long a file must not change.
    """

    def __init__(self, present: Mapping[str, Stamp], *, settle_s: float = SETTLE_S) -> None:
        self._handled = dict(present)
        self._settling: dict[str, tuple[Stamp, float]] = {}
        self._settle_s = settle_s

    def handled(self) -> dict[str, Stamp]:
        """Return what counts as told of or as there before, of all that the last look showed."""
        return dict(self._handled)

    def complete(self, listing: Mapping[str, Stamp], now_s: float) -> list[str]:
        """Return the files that are new and complete now, the one that was changed first at the front, each once.

        Args:
            listing: what is there now.
            now_s: monotonic time.
        """
        self._handled = {name: stamp for name, stamp in self._handled.items() if name in listing}
        self._settling = {name: seen for name, seen in self._settling.items() if name in listing}
        ready = [name for name, stamp in listing.items() if self._is_ready(name, stamp, now_s)]
        for name in ready:
            self._handled[name] = listing[name]
            del self._settling[name]
        return sorted(ready, key=lambda name: (listing[name][1], name))

    def _is_ready(self, name: str, stamp: Stamp, now_s: float) -> bool:
        if self._handled.get(name) == stamp:
            return False
        seen = self._settling.get(name)
        if seen is None or seen[0] != stamp:
            self._settling[name] = (stamp, now_s)
            return False
        size_bytes, _ = stamp
        return size_bytes > 0 and now_s - seen[1] >= self._settle_s

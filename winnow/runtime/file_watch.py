"""Whether a file has been written, whichever way the editor does it.

Polling by path sees what a watch of the file itself does not: editors write a new file and rename it over the old one,
and orchestrators swap a link to a folder. It needs no library, works on every file system, and costs one `stat` a
second.
"""

from pathlib import Path
from typing import Final

from winnow.runtime.clock import Clock

LOOK_EVERY_S: Final = 1.0

Fingerprint = tuple[int, int, int, int] | None
"""Device, inode, size and time of the last change in ns; None while there is no such file."""


class FileWatch:
    """Notices that the file at a path is another one than before.

    A change is reported once it has stayed the same for two looks: a file that is being written is left alone until it
    is whole. While there is no file nothing is reported.

    Args:
        path: links are followed.
        clock: tells when to look again.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._known = self._seen = fingerprint(path)
        self._look_at_s = clock.monotonic_s() + LOOK_EVERY_S

    def has_changed(self) -> bool:
        """Return whether the file has changed since the last True; looks once a second, however often it is asked."""
        now_s = self._clock.monotonic_s()
        if now_s < self._look_at_s:
            return False
        self._look_at_s = now_s + LOOK_EVERY_S
        before, self._seen = self._seen, fingerprint(self._path)
        if self._seen is None or self._seen == self._known or self._seen != before:
            return False
        self._known = self._seen
        return True

    def take_note(self) -> None:
        """Regard the file as it is now as known: somebody reads it anyway."""
        self._known = self._seen = fingerprint(self._path)


def fingerprint(path: Path) -> Fingerprint:
    """Return what tells one state of a file from another."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

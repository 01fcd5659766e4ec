"""Room on the disk: how much the spool may use, and a reserve for the moment when nothing is left."""

import os
from pathlib import Path
from typing import Final

FREE_FLOOR_BYTES: Final = 64 * 1024 * 1024
"""The spool stops growing when the file system has less than this left: the system needs to live, too."""

BALLAST_BYTES: Final = 8 * 1024 * 1024
"""A deletion needs room in SQLite's log. A receipt names at most 512 messages, each of which may lie on a page of its
own in the table and in both indices: 3 x 512 pages of 4 KiB are 6 MiB."""


def limit_bytes(*, quota_bytes: int, used_bytes: int, free_bytes: int, floor_bytes: int = FREE_FLOOR_BYTES) -> int:
    """Return how large the spool may be now: its quota, or what keeps the floor free, whichever is less.

    Args:
        quota_bytes: what the settings allow.
        used_bytes: what it holds now.
        free_bytes: what it could still take: free in the file system and unused in its own file.
        floor_bytes: of `free_bytes`, so much stays free.
    """
    return min(quota_bytes, used_bytes + max(0, free_bytes - floor_bytes))


def free_disk_bytes(path: Path) -> int:
    """Return what the file system of `path` has left for this user.

    Raises:
        OSError: the directory is gone.
    """
    found = os.statvfs(path.parent)
    return found.f_bavail * found.f_frsize


class Ballast:
    """A file without meaning, given up when a full disk does not even let a receipt be written.

    Args:
        path: the spool's file; the ballast lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.ballast")
        self._is_held = self._path.exists()

    def hold(self) -> None:
        """Hold the reserve, if it is not held and there is room for it."""
        if self._is_held:
            return
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, BALLAST_BYTES)
        except OSError:
            self._path.unlink(missing_ok=True)
        else:
            self._is_held = True

    def release(self) -> bool:
        """Free the reserve; return whether there was one."""
        was_held, self._is_held = self._is_held, False
        self._path.unlink(missing_ok=True)
        return was_held

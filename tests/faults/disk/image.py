"""An ext4 file system in a file, and what of it would be left if the power failed now.

Theory. What a process has written lies in the page cache of the mounted file system until it is synced (or the kernel
writes it back after a while); only then it is sent to the loop device, that is into the image file. A copy of the image
therefore holds what had been sent to the disk, and nothing that had not. The journal's interval is an hour here, so
that the kernel does not do the syncing that the program has forgotten. What the copy cannot show: a disk that loses
writes which it has taken, because it lies about its own cache.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

IMAGE_MIB: Final = 48
_COPIES: Final = 20


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """Yield the directory in which an image is mounted."""
    at.mkdir(exist_ok=True)
    run("mount", "-o", "loop,commit=3600,noatime", str(image), str(at))
    try:
        yield at
    finally:
        run("umount", "--lazy", str(at))


def new_image(path: Path) -> Path:
    """Return a file with an empty file system in it."""
    with path.open("wb") as file:
        file.truncate(IMAGE_MIB * 1024 * 1024)
    run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(path))
    return path


def copy_as_if_cut(image: Path, copy: Path) -> None:
    """Copy what had been sent to the disk; two equal copies in a row show that nothing was sent meanwhile."""
    before = b""
    for _ in range(_COPIES):
        now = image.read_bytes()
        if now == before:
            copy.write_bytes(now)
            return
        before = now
    raise AssertionError("the image changes all the time although its writer stands still")


def why_not_here(*programs: str) -> str | None:
    """Return what is missing for mounting images or for `programs`; None if nothing is."""
    missing = [name for name in programs if shutil.which(name) is None]
    return f"not on this machine: {', '.join(missing)}" if missing else None


def run(*command: str) -> None:
    """Run a command; fail with what it says if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"

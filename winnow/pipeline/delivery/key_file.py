"""The spool's keys in a file: one a line as 64 hexadecimal digits, the one that seals first; `#` begins a comment.

Errors:
    KeyFileError     the file is missing, open to others, or holds no key: the message says what to do
"""

import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from winnow.pipeline.delivery.sealing import KEY_BYTES, SpoolKey

MAX_KEYS: Final = 64
_MAX_BYTES: Final = 16 * 1024
_OTHERS: Final = 0o077
_HEADER: Final = "# Keys of Winnow's spool: the first seals, all of them open. Keep a copy elsewhere.\n"


class KeyFileError(Exception):
    """The keys cannot be used; the message says what to do, and never shows one."""


def read_keys(path: Path) -> list[SpoolKey]:
    """Return the keys of the file, at least one, the one that seals first.

    Raises:
        KeyFileError: it is missing, can be read by others than its owner, or does not hold keys.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode & 0o777
            content = file.read(_MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise KeyFileError(
            f"spool key {path}: no such file; put the copy back, or make a first key with `winnow spool rotate-key`"
        ) from exc
    except OSError as exc:
        raise KeyFileError(f"spool key {path}: {exc.strerror}; it must be a file that this user can read") from exc
    if mode & _OTHERS:
        raise KeyFileError(f"spool key {path}: others can use it (mode {mode:04o}); type `chmod 600 {path}`")
    return _parse(path, content)


def rotate_keys(path: Path, still_needed: Callable[[SpoolKey], bool]) -> list[SpoolKey]:
    """Put a new key first and return all keys: the file is replaced as a whole, and is durable, or stays as it was.

    Args:
        path: the file; it is made, with mode 0600, if it is missing.
        still_needed: whether an older key must be kept. The one that sealed until now always is.

    Raises:
        KeyFileError: it cannot be read or written.
    """
    known = read_keys(path) if path.exists() else []
    older = known[:1] + [key for key in known[1:] if still_needed(key)]
    keys = [SpoolKey(secrets.token_bytes(KEY_BYTES)), *older]
    if len(keys) > MAX_KEYS:
        raise KeyFileError(f"spool key {path}: {MAX_KEYS} keys are in use; stop the edge, then rotate: unused ones go")
    try:
        _replace(path, keys)
    except OSError as exc:
        raise KeyFileError(f"spool key {path}: cannot be written: {exc.strerror}") from exc
    return keys


def _parse(path: Path, content: bytes) -> list[SpoolKey]:
    lines = [line.partition(b"#")[0].strip() for line in content.splitlines()]
    written = [line for line in lines if line]
    if not written or len(written) > MAX_KEYS or len(content) > _MAX_BYTES:
        raise KeyFileError(f"spool key {path}: holds {len(written)} keys; 1 to {MAX_KEYS} are allowed, one a line")
    try:
        return [SpoolKey(bytes.fromhex(line.decode("ascii"))) for line in written]
    except ValueError as exc:
        raise KeyFileError(f"spool key {path}: a key is {2 * KEY_BYTES} hexadecimal digits on a line") from exc


def _replace(path: Path, keys: Sequence[SpoolKey]) -> None:
    """1. a new file, on the disk; 2. renamed over the old one; 3. the folder, on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        if path.exists() and os.geteuid() == 0:
            owner = path.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(_HEADER)
        file.writelines(f"{key.secret.hex()}  # {key.id.hex()}\n" for key in keys)
        file.flush()
        os.fsync(descriptor)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

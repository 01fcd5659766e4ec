"""Files of the authority: whole or not there, and readable by their owner alone where that matters."""

import os
from pathlib import Path
from typing import Final
from uuid import uuid4

from winnow.cli.certificates.errors import PkiError

SECRET: Final = 0o600
PUBLIC: Final = 0o644
FOLDER: Final = 0o700


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner can enter; one that is there loses the rights of everybody else.

    Raises:
        PkiError: it cannot be created.
    """
    try:
        folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        folder.chmod(FOLDER)
    except OSError as exc:
        raise PkiError(f"{folder}: {exc.strerror}") from exc


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Put a file in its place with one rename: a reader sees the old one or the new one, and never wider rights.

    Raises:
        PkiError: it cannot be written.
    """
    passing = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        descriptor = os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        passing.replace(path)
    except OSError as exc:
        passing.unlink(missing_ok=True)
        raise PkiError(f"{path}: {exc.strerror}") from exc


def read_file(path: Path) -> bytes:
    """Return what a file holds.

    Raises:
        PkiError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as exc:
        raise PkiError(
            f"{path}: {exc.strerror}; make an authority with `winnow pki init`, or name it with --dir"
        ) from exc

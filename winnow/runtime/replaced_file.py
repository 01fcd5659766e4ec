"""A small file that is only ever replaced as a whole: after a power cut either the old or the new one is there."""

import logging
import os
from pathlib import Path

logger = logging.getLogger(__name__)


class ReplacedFile:
    """A file of accounts, without which a process goes on: that it cannot be written is logged once, until it can.

    Args:
        path: the file, in a folder that is there.
        complaint: what is logged.
    """

    def __init__(self, path: Path, *, complaint: str) -> None:
        self._path = path
        self._complaint = complaint
        self._is_broken = False

    def replace(self, content: bytes) -> None:
        """Write the new content."""
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as exc:
            if not self._is_broken:
                logger.warning(self._complaint, extra={"path": str(self._path), "reason": str(exc)})
            self._is_broken = True
        else:
            self._is_broken = False

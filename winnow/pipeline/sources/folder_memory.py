"""What a watched folder's recordings were read, kept on disk, so that a restart goes on where the box stopped."""

import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from winnow.pipeline.sources.arrivals import Stamp
from winnow.runtime.replaced_file import ReplacedFile

logger = logging.getLogger(__name__)


class FolderMemory:
    """One JSON file of names and stamps, no more of them than the folder holds, replaced as a whole.

    A file that cannot be read counts as none, one that cannot be written is logged once.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = ReplacedFile(path, complaint="What was read of a folder cannot be kept")

    def load(self) -> dict[str, Stamp] | None:
        """Return which recordings were read, or None if nobody knows."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, Stamp])
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as exc:
            logger.warning(
                "What was read of a folder cannot be told; taking all for read",
                extra={"path": str(self._path), "reason": str(exc)},
            )
            return None

    def keep(self, read: Mapping[str, Stamp]) -> None:
        """Replace the file; after a power cut either the old or the new one is there."""
        self._file.replace(msgspec.json.encode(read))

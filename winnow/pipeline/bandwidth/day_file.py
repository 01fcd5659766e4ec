"""The day book on disk, beside the spool, so that a restart does not forget what a metered link has carried."""

import logging
import os
from datetime import date
from pathlib import Path

import msgspec

from winnow.pipeline.bandwidth.day_book import DayBook, DayTotals

logger = logging.getLogger(__name__)

_Days = dict[date, dict[str, DayTotals]]


class DayFile:
    """One JSON file, replaced as a whole.

    A file that cannot be read is replaced, one that cannot be written is logged once: the sums are an account, and no
    reason to stop watching.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_broken = False

    def load(self) -> DayBook:
        """Return what was written last; an empty book if there is none."""
        try:
            return DayBook(msgspec.json.decode(self._path.read_bytes(), type=_Days))
        except FileNotFoundError:
            return DayBook()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as exc:
            logger.warning(
                "Sums by day cannot be read; starting anew", extra={"path": str(self._path), "reason": str(exc)}
            )
            return DayBook()

    def keep(self, book: DayBook) -> None:
        """Replace the file; after a power cut either the old or the new one is there."""
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(msgspec.json.encode(book.days))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        except OSError as exc:
            if not self._is_broken:
                logger.warning("Sums by day cannot be kept", extra={"path": str(self._path), "reason": str(exc)})
            self._is_broken = True
        else:
            self._is_broken = False

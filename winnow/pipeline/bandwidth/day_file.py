"""The day book on disk, beside the spool, so that a restart does not forget what a metered link has carried."""

import logging
from datetime import date
from pathlib import Path
from threading import Thread

import msgspec

from winnow.pipeline.bandwidth.day_book import DayBook, DayTotals
from winnow.runtime.replaced_file import ReplacedFile

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
        self._aside: Thread | None = None
        self._file = ReplacedFile(path, complaint="Sums by day cannot be kept")

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
        if self._aside is not None:
            self._aside.join()
        self._file.replace(msgspec.json.encode(book.days))

    def keep_aside(self, book: DayBook) -> None:
        """Replace the file without waiting for the disk; nothing happens while it is still busy with the last time."""
        if self._aside is not None and self._aside.is_alive():
            return
        content = msgspec.json.encode(book.days)
        self._aside = Thread(target=self._file.replace, args=(content,), name="day-file", daemon=True)
        self._aside.start()

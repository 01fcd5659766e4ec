"""What can go wrong between a finished event and its receipt.

Errors:
    SpoolError
        SpoolFullError      nothing was accepted for want of space: go on, and count what was lost
        SpoolLockedError    another process has the spool open: stop one of the two
        SpoolForeignError   the file belongs to another node or a newer version: name another file
        SpoolFailedError    the disk or the file fails: end the process; the next start checks the file
"""

from pathlib import Path


class SpoolError(Exception):
    """The spool cannot do what it was asked for; the message says what to do.

    Attributes:
        path: the spool's file; None for one in memory.
    """

    def __init__(self, path: Path | None, message: str) -> None:
        super().__init__(message if path is None else f"spool {path}: {message}")
        self.path = path


class SpoolFullError(SpoolError):
    """Nothing of the batch was accepted, because neither quota nor disk has room for it."""


class SpoolLockedError(SpoolError):
    """Another process has the spool open."""


class SpoolForeignError(SpoolError):
    """The file holds what this node and version must not touch."""


class SpoolFailedError(SpoolError):
    """The disk or the file fails; what was accepted before is still there as far as anyone knows."""

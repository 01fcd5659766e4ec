"""Errors that one process raises and another package catches.

Errors:
    DestinationError
"""


class DestinationError(Exception):
    """A destination did not take a batch, or only part of it; offer the whole batch again later.

    Storing is idempotent, so what was taken the first time does no harm the second time.
    """

"""What a day may cost: pictures shrink, then stop; events are always sent.

    share of the day's bytes that is used     0 ────── 0.7 ────── 0.9 ──────▶
    pictures                                    full      small      none

What waits in the spool counts as used: it will be sent. The last tenth is left to events. They may go beyond the limit.
"""

import logging
from threading import Lock
from typing import Final

from winnow.pipeline.thumbnails import Size

logger = logging.getLogger(__name__)

SMALL_FROM: Final = 0.7
NONE_FROM: Final = 0.9


def size_within(used_bytes: int, limit_bytes: int | None) -> Size:
    """Return how large pictures may be."""
    if limit_bytes is None or used_bytes < SMALL_FROM * limit_bytes:
        return "full"
    return "small" if used_bytes < NONE_FROM * limit_bytes else "none"


class DailyBudget:
    """What pictures may cost now; any thread may ask.

    Args:
        limit_bytes: a day's; None sets no limit.
    """

    def __init__(self, limit_bytes: int | None) -> None:
        self.limit_bytes = limit_bytes
        self._lock = Lock()
        self._size: Size = "full"

    @property
    def size(self) -> Size:
        """Return how large pictures may be."""
        return self._size

    def update(self, used_bytes: int) -> None:
        """Decide anew; a change is logged."""
        size = size_within(used_bytes, self.limit_bytes)
        with self._lock:
            before, self._size = self._size, size
        if size == before:
            return
        facts = {"pictures": size, "used_bytes": used_bytes, "daily_bytes": self.limit_bytes}
        if size == "full":
            logger.info("Pictures are sent as set again", extra=facts)
        else:
            logger.warning("The day's bytes run out: pictures are held back", extra=facts)

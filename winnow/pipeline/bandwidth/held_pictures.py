"""Who holds a camera's pictures back, and how many that were."""

from collections import Counter
from collections.abc import Callable
from typing import Literal

from winnow.pipeline.thumbnails import Size

HeldReason = Literal["overload", "budget_small", "budget_none"]
"""`overload`: an early picture was not sent. `budget_small`: one was sent small. `budget_none`: one was not sent."""


class HeldPictures:
    """A `Restraint` of one camera.

    Args:
        sends_early: whether the camera's ladder lets early pictures go.
        size: how large the node's budget lets pictures be.
        held: counts, by reason.
    """

    def __init__(self, *, sends_early: Callable[[], bool], size: Callable[[], Size], held: Counter[HeldReason]) -> None:
        self._sends_early = sends_early
        self._size = size
        self._held = held

    def allows_early(self) -> bool:
        """See `Restraint.allows_early`."""
        allowed = self._sends_early()
        if not allowed:
            self._held["overload"] += 1
        return allowed

    def size(self) -> Size:
        """See `Restraint.size`."""
        size = self._size()
        if size == "small":
            self._held["budget_small"] += 1
        elif size == "none":
            self._held["budget_none"] += 1
        return size

"""When a batch is closed: by its number of messages, by its bytes, or by the age of its first message."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """What closes a batch.

    Attributes:
        max_messages: it holds this many messages.
        max_bytes: its payloads have this many bytes or more; the message that passes the limit still belongs to it.
        linger_s: its first message came this many seconds ago.
    """

    max_messages: int
    max_bytes: int
    linger_s: float


class OpenBatch(Generic[Item]):
    """Messages in the order in which they came, until a limit closes the batch."""

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._items: list[Item] = []
        self._size_bytes = 0
        self._opened_at_mono_s = 0.0

    @property
    def items(self) -> list[Item]:
        """Return what the batch holds, first come first."""
        return self._items

    @property
    def is_full(self) -> bool:
        """Whether a limit on what it holds has closed the batch, whatever its age."""
        return len(self._items) >= self._limits.max_messages or self._size_bytes >= self._limits.max_bytes

    def add(self, item: Item, size_bytes: int, now_mono_s: float) -> None:
        """Put `item` behind the others; the first one starts the lingering."""
        if not self._items:
            self._opened_at_mono_s = now_mono_s
        self._items.append(item)
        self._size_bytes += size_bytes

    def open_for_s(self, now_mono_s: float) -> float:
        """Return how long the batch may still wait for more; 0 if it is closed, all of `linger_s` if it is empty."""
        if self.is_full:
            return 0.0
        if not self._items:
            return self._limits.linger_s
        return max(0.0, self._opened_at_mono_s + self._limits.linger_s - now_mono_s)

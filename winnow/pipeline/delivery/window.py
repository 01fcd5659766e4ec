"""What is on its way: sent and not receipted yet. Pure: time and chance are handed in.

Theory. Two limits hold the edge back.

The *window* counts what is sent and not receipted: a slow or absent gateway stops the edge after 64 messages or 2 MiB,
and the rest waits in the spool. A message without a receipt becomes due again after 30 s, then after twice as long, up
to 5 minutes.

The *allowance* counts what the broker has not answered yet. It is all of the window until the broker refuses a message.
Then it shrinks to one message, sent after a pause that doubles up to 5 s, and doubles with each message that is taken:
so neither a spool of a million messages is thrown at a broker that refuses them, nor is a healed one noticed late.

    a message:  waiting --sent--> under way --receipted--> forgotten
                                  under way --refused----> put off (not counted by the window, due later)
                       under way, put off --due, sent----> under way
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from winnow.events import Receipt
from winnow.runtime.retry import Backoff

MAX_MESSAGES: Final = 64
MAX_BYTES: Final = 2 * 1024 * 1024
FIRST_RETRY_S: Final = 30.0
LAST_RETRY_S: Final = 300.0
FIRST_PAUSE_S: Final = 0.5
LAST_PAUSE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Room:
    """What may be sent now; nothing if `messages` is 0."""

    messages: int
    size_bytes: int


@dataclass(slots=True)
class _Entry:
    """One message that was sent.

    Attributes:
        size_bytes: of its packet.
        backoff: gives the waits before it is sent again.
        due_at_s: when that is.
        is_under_way: False once the broker has refused it.
        is_answered: whether the broker has answered the last PUBLISH.
    """

    size_bytes: int
    backoff: Backoff
    due_at_s: float
    is_under_way: bool = True
    is_answered: bool = False


class Window:
    """Which messages are on their way, and which may follow.

    Args:
        random: spreads the waits of many nodes; a seeded one makes them repeatable.
    """

    def __init__(self, random: Random | None = None) -> None:
        self._random = random or Random()  # noqa: S311 - spreads load, protects nothing
        self._entries: dict[int, _Entry] = {}
        self._allowance = MAX_MESSAGES
        self._pause = Backoff(first_s=FIRST_PAUSE_S, limit_s=LAST_PAUSE_S, random=self._random)
        self._paused_until_s = float("-inf")

    @property
    def known(self) -> frozenset[int]:
        """Return the sequences that were sent and not receipted."""
        return frozenset(self._entries)

    def room(self, now_s: float) -> Room:
        """Return what may be sent now."""
        if now_s < self._paused_until_s:
            return Room(0, 0)
        under_way = [entry for entry in self._entries.values() if entry.is_under_way]
        unanswered = sum(not entry.is_answered for entry in under_way)
        messages = min(MAX_MESSAGES - len(under_way), self._allowance - unanswered)
        return Room(max(0, messages), MAX_BYTES - sum(entry.size_bytes for entry in under_way))

    def may_repeat(self, now_s: float) -> int:
        """Return how many of the due messages may be sent now; those under way have their room already."""
        if now_s < self._paused_until_s:
            return 0
        unanswered = sum(entry.is_under_way and not entry.is_answered for entry in self._entries.values())
        return max(0, self._allowance - unanswered)

    def due(self, now_s: float) -> list[int]:
        """Return the sequences that are to be sent again, the one that waits longest first."""
        late = [(entry.due_at_s, sequence) for sequence, entry in self._entries.items() if entry.due_at_s <= now_s]
        return [sequence for _, sequence in sorted(late)]

    def next_turn_s(self, now_s: float) -> float | None:
        """Return when a pause ends or something becomes due, None if nothing is waited for."""
        if now_s < self._paused_until_s:
            return self._paused_until_s
        return min((entry.due_at_s for entry in self._entries.values()), default=None)

    def sent(self, sequence: int, size_bytes: int, now_s: float) -> bool:
        """Note a PUBLISH; return whether it repeats an earlier one."""
        known = self._entries.get(sequence)
        backoff = known.backoff if known else self._retry_delays()
        self._entries[sequence] = _Entry(
            size_bytes=size_bytes, backoff=backoff, due_at_s=now_s + backoff.next_delay_s()
        )
        return known is not None

    def taken(self, sequence: int) -> None:
        """Note that the broker took a message. That says nothing about the store: it stays under way."""
        if sequence in self._entries:
            self._entries[sequence].is_answered = True
        if self._allowance < MAX_MESSAGES:
            self._allowance = min(MAX_MESSAGES, self._allowance * 2)
            self._paused_until_s = float("-inf")
        if self._allowance == MAX_MESSAGES:
            self._pause.reset()

    def refused(self, sequence: int, now_s: float) -> None:
        """Note that the broker refused a message: it is put off, and the next ones go singly."""
        if sequence in self._entries:
            self._entries[sequence].is_under_way = False
        if now_s >= self._paused_until_s:
            self._paused_until_s = now_s + self._pause.next_delay_s()
        self._allowance = 1

    def receipted(self, receipt: Receipt) -> None:
        """Forget what a receipt of this epoch names."""
        self.forget(sequence for sequence in list(self._entries) if sequence <= receipt.upto)
        self.forget(receipt.also)

    def forget(self, sequences: Iterable[int]) -> None:
        """Forget messages that are not in the spool any more."""
        for sequence in sequences:
            self._entries.pop(sequence, None)

    def clear(self) -> None:
        """Forget everything: on a new connection, everything is sent again."""
        self._entries.clear()
        self._allowance = MAX_MESSAGES
        self._paused_until_s = float("-inf")
        self._pause.reset()

    def _retry_delays(self) -> Backoff:
        return Backoff(first_s=FIRST_RETRY_S, limit_s=LAST_RETRY_S, random=self._random)

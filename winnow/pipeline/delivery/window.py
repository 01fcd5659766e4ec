"""What is on its way: sent and not receipted yet. Pure: time and chance are handed in.

Theory. Three limits hold the edge back.

The *window* counts what is sent and not receipted: a slow or absent gateway stops the edge after 64 messages or 2 MiB,
and the rest waits in the spool. A message without a receipt becomes due again after 30 s, then after twice as long, up
to 5 minutes.

The *allowance* counts what the broker has not answered yet. It is all of the window until the broker refuses a message.
Then it shrinks to one message, sent after a pause that doubles up to 2 s, and doubles with each message that is taken:
so neither a spool of a million messages is thrown at a broker that refuses them, nor is a healed one noticed late.

The *flight* counts bytes that the broker has not answered yet, and keeps them so few that nothing waits for long in
front of a narrow line: see `flight`.

    a message:  waiting --sent--> under way --receipted-----------> forgotten
                                  under way --broker takes none---> waiting
                                  under way --this one refused----> put off (not counted by the window, due later)
                       under way, put off --due, sent-------------> under way

A broker may also end the connection over one message instead of refusing it. A connection that ended over unanswered
messages is followed by one that begins with an allowance of one, until the culprit is the only unanswered message.
After the second time it is put off, over connections, for 30 s at first.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Final

from winnow.events import Receipt
from winnow.pipeline.delivery.flight import Flight
from winnow.runtime.retry import Backoff

MAX_MESSAGES: Final = 64
MAX_BYTES: Final = 2 * 1024 * 1024
FIRST_RETRY_S: Final = 30.0
LAST_RETRY_S: Final = 300.0
RETRY_JITTER: Final = 0.1
"""A missing message comes again after 33 s at most: the sink tells a person of what is missing for longer than that."""
FIRST_PAUSE_S: Final = 0.5
LAST_PAUSE_S: Final = 2.0
"""A broker refuses as long as no gateway subscribes; so this pause comes on top of the gateway's own way back."""

_ENDS_OF_A_CULPRIT: Final = 2
"""One end may be chance: networks fail with a message on the way."""


@dataclass(frozen=True, slots=True)
class Room:
    """What may be sent now; nothing if `messages` is 0.

    Attributes:
        size_bytes: of all of them together.
        alone_bytes: how large a single message may be that does not fit: 0 unless nothing is unanswered.
    """

    messages: int
    size_bytes: int
    alone_bytes: int = 0


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


@dataclass(slots=True)
class _Suspect:
    """A message that was the only unanswered one when a connection ended.

    Attributes:
        backoff: gives the waits before it is sent again.
        ends: how often that was so.
    """

    backoff: Backoff
    ends: int = 0


class Window:
    """Which messages are on their way, and which may follow.

    Args:
        random: spreads the waits of many nodes; a seeded one makes them repeatable.
        first_retry_s: a message without a receipt is sent again after so long, then after twice as long.
    """

    def __init__(self, random: Random | None = None, *, first_retry_s: float = FIRST_RETRY_S) -> None:
        self._first_retry_s = first_retry_s
        self._random = random or Random()  # noqa: S311 - spreads load, protects nothing
        self._entries: dict[int, _Entry] = {}
        self._suspects: dict[int, _Suspect] = {}
        self._allowance = MAX_MESSAGES
        self._flight = Flight(MAX_BYTES)
        self._pause = Backoff(first_s=FIRST_PAUSE_S, limit_s=LAST_PAUSE_S, random=self._random)
        self._paused_until_s = float("-inf")

    @property
    def known(self) -> frozenset[int]:
        """Return the sequences that were sent and not receipted."""
        return frozenset(self._entries)

    @property
    def is_wary(self) -> bool:
        """Whether the broker refused a message, or ended a connection, and has not taken enough since."""
        return self._allowance < MAX_MESSAGES

    def room(self, now_s: float) -> Room:
        """Return what may be sent now."""
        if now_s < self._paused_until_s:
            return Room(0, 0)
        under_way = [entry for entry in self._entries.values() if entry.is_under_way]
        unanswered = sum(not entry.is_answered for entry in under_way)
        messages = min(MAX_MESSAGES - len(under_way), self._allowance - unanswered)
        left_bytes = MAX_BYTES - sum(entry.size_bytes for entry in under_way)
        alone_bytes = left_bytes if self._flight.is_empty else 0
        return Room(max(0, messages), min(left_bytes, self._flight.room_bytes), alone_bytes)

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

    def sent(self, sequence: int, size_bytes: int, now_s: float, *, wire_bytes: int | None = None) -> bool:
        """Note a PUBLISH; return whether it repeats an earlier one.

        Args:
            sequence: which message.
            size_bytes: of its packet, if it went alone.
            now_s: monotonic time.
            wire_bytes: what it took of the packet that it went in; None: it went alone.
        """
        self._flight.sent(sequence, size_bytes if wire_bytes is None else wire_bytes, now_s)
        known = self._entries.get(sequence)
        backoff = known.backoff if known else self._retry_delays()
        self._entries[sequence] = _Entry(
            size_bytes=size_bytes, backoff=backoff, due_at_s=now_s + backoff.next_delay_s()
        )
        return known is not None

    def taken(self, sequence: int, now_s: float) -> None:
        """Note that the broker took a message. That says nothing about the store: it stays under way."""
        self._flight.answered(sequence, now_s)
        if sequence in self._entries:
            self._entries[sequence].is_answered = True
        if self._allowance < MAX_MESSAGES:
            self._allowance = min(MAX_MESSAGES, self._allowance * 2)
            self._paused_until_s = float("-inf")
        if self._allowance == MAX_MESSAGES:
            self._pause.reset()

    def refused(self, sequence: int, now_s: float, *, takes_none: bool) -> None:
        """Note that the broker refused a message; the next ones go singly, after a pause.

        Args:
            sequence: which message.
            now_s: monotonic time.
            takes_none: True if the broker would refuse any other message as well: this one then waits like they do.
                False puts it off, so that it does not stand in the way of others.
        """
        self._flight.forget(sequence)
        if takes_none:
            self.forget([sequence])
        elif sequence in self._entries:
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
            self._suspects.pop(sequence, None)
            self._flight.forget(sequence)

    def start_over(self, now_s: float) -> int | None:
        """Forget what was under way on a connection that ended: everything is sent again on the next one.

        Returns:
            The message that ended it and is put off for that, None if there is no such suspicion.
        """
        unanswered = [number for number, one in self._entries.items() if one.is_under_way and not one.is_answered]
        culprit = self._suspect(unanswered[0], now_s) if len(unanswered) == 1 else None
        self._entries = {
            number: one
            for number, one in self._entries.items()
            if number in self._suspects and not one.is_under_way and one.due_at_s > now_s
        }
        self._flight.start_over()
        self._allowance = 1 if unanswered else MAX_MESSAGES
        self._paused_until_s = float("-inf")
        self._pause.reset()
        return culprit

    def _suspect(self, sequence: int, now_s: float) -> int | None:
        suspect = self._suspects.setdefault(sequence, _Suspect(self._retry_delays()))
        suspect.ends += 1
        if suspect.ends < _ENDS_OF_A_CULPRIT:
            return None
        entry = self._entries[sequence]
        entry.is_under_way = False
        entry.due_at_s = now_s + suspect.backoff.next_delay_s()
        return sequence

    def _retry_delays(self) -> Backoff:
        return Backoff(first_s=self._first_retry_s, limit_s=LAST_RETRY_S, jitter=RETRY_JITTER, random=self._random)

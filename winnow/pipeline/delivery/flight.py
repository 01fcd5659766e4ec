"""How many bytes may be on their way to the broker at once: pure, time is handed in.

Theory. What is handed to the network waits in buffers in front of a narrow line, and an event that comes now waits
behind all of it, whatever its priority. So the wait is kept short at its source, by the delay that the broker's answers
show, as LEDBAT does (RFC 6817): whatever lies above the shortest delay seen is waiting.

    too long   a message that was sent with `n` bytes under way was answered after `d` seconds: the line carries `n / d`
               bytes a second, and the limit becomes what it carries in the time that is allowed
    shorter    the limit grows, if it was used: by 8 KiB with each round trip, the less the closer the wait is to what
               is allowed; twofold until half of the allowed wait is seen, so that a wide line is full at once
"""

from dataclasses import dataclass
from typing import Final

FIRST_BYTES: Final = 64 * 1024
LEAST_BYTES: Final = 8 * 1024
QUEUE_S: Final = 0.5
"""How long what is sent may wait in front of the line. At 256 kbit/s that is 16 KB."""
STEP_BYTES: Final = 8 * 1024
LONGEST_BASE_S: Final = 1.0
"""No line is slower to answer by itself; what takes longer on the first message of a connection has waited."""


@dataclass(frozen=True, slots=True)
class _Sent:
    size_bytes: int
    flight_bytes: int
    at_s: float


class Flight:
    """What the broker has not answered yet, and how much that may be.

    Args:
        limit_bytes: never more than this.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._most_bytes = limit_bytes
        self._sent: dict[int, _Sent] = {}
        self._unanswered_bytes = 0
        self._limit_bytes = float(FIRST_BYTES)
        self._base_s = LONGEST_BASE_S
        self._is_exploring = True

    @property
    def is_empty(self) -> bool:
        """Whether the broker has answered everything."""
        return not self._sent

    @property
    def room_bytes(self) -> int:
        """How much may follow now."""
        return int(self._limit_bytes) - self._unanswered_bytes

    def sent(self, sequence: int, size_bytes: int, now_s: float) -> None:
        """Note that so many bytes of a message were handed to the network."""
        self.forget(sequence)
        self._unanswered_bytes += size_bytes
        self._sent[sequence] = _Sent(size_bytes, self._unanswered_bytes, now_s)

    def answered(self, sequence: int, now_s: float) -> None:
        """Note the broker's answer to a message, and learn from how long it took."""
        sent = self._sent.get(sequence)
        if sent is None:
            return
        self.forget(sequence)
        delay_s = max(now_s - sent.at_s, 1e-3)
        self._base_s = min(self._base_s, delay_s)
        wait_s = delay_s - self._base_s
        self._is_exploring = self._is_exploring and wait_s < QUEUE_S / 2
        if wait_s > QUEUE_S:
            carried_bytes = sent.flight_bytes * (self._base_s + QUEUE_S) / delay_s
            self._limit_bytes = max(LEAST_BYTES, min(self._limit_bytes, carried_bytes))
        elif 2 * sent.flight_bytes >= self._limit_bytes:
            step = 1.0 if self._is_exploring else (1 - wait_s / QUEUE_S) * STEP_BYTES / self._limit_bytes
            self._limit_bytes = min(self._most_bytes, self._limit_bytes + step * sent.size_bytes)

    def forget(self, sequence: int) -> None:
        """A message needs no answer any more."""
        sent = self._sent.pop(sequence, None)
        if sent is not None:
            self._unanswered_bytes -= sent.size_bytes

    def start_over(self) -> None:
        """Forget everything: the next connection may go another way."""
        self._sent.clear()
        self._unanswered_bytes = 0
        self._limit_bytes = float(FIRST_BYTES)
        self._base_s = LONGEST_BASE_S
        self._is_exploring = True

"""Tells live messages from the backlog: live is what was accepted in the last seconds."""

from collections import deque
from typing import Final

LIVE_S: Final = 5.0
"""A message is live for so long. Half of the ten seconds in which a fresh event must arrive."""

_STEP_S: Final = 0.5


class LiveMark:
    """Remembers how far the sequence was some seconds ago."""

    def __init__(self, last_sequence: int) -> None:
        self._seen: deque[tuple[float, int]] = deque()
        self._backlog_upto = last_sequence

    @property
    def after(self) -> int:
        """The sequence after which messages are live."""
        return self._backlog_upto

    def note(self, last_sequence: int, now_s: float) -> None:
        """Note the highest sequence of now; to be called at least once a second, whether anything is sent or not."""
        if not self._seen or now_s - self._seen[-1][0] >= _STEP_S:
            self._seen.append((now_s, last_sequence))
        while self._seen and now_s - self._seen[0][0] >= LIVE_S:
            self._backlog_upto = self._seen.popleft()[1]

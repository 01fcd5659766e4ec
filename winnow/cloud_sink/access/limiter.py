"""How often somebody may try a password.

Theory: three windows of 15 minutes, and every failed try counts in all of them. One address may miss 5 times with one
name; 20 times with any; and one name may be missed 100 times from everywhere, so that many addresses do not help. A
person who forgot a password waits; somebody who guesses 100 passwords every quarter of an hour needs ages for 99 bits,
and cannot keep a user out from another address by missing a few times. What is forgotten first is the oldest.
"""

from collections import OrderedDict, deque
from threading import Lock
from typing import Final

from winnow.runtime.clock import Clock

WINDOW_S: Final = 900.0
TRIES_OF_PAIR: Final = 5
TRIES_OF_ADDRESS: Final = 20
TRIES_OF_NAME: Final = 100
MAX_KEYS: Final = 10_000


class LoginLimiter:
    """Counts failed logins in memory; safe to use from several threads.

    Args:
        clock: moves the windows.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def begin(self, address: str, name: str) -> float:
        """Return how long this address must wait before it may try this name.

        0: it may now, and the try counts as failed until it succeeds, so that many at once do not help.
        """
        now_s = self._clock.monotonic_s()
        with self._lock:
            wait_s = max(self._wait_of(key, tries, now_s) for key, tries in _keys(address, name))
            if not wait_s:
                self._count(address, name, now_s)
            return wait_s

    def succeeded(self, address: str, name: str) -> None:
        """The try was good: what this address missed with this name is forgotten, and this try in the other counts."""
        with self._lock:
            pair, *others = (key for key, _ in _keys(address, name))
            self._failures.pop(pair, None)
            for key in others:
                if self._failures.get(key):
                    self._failures[key].pop()

    def _count(self, address: str, name: str, now_s: float) -> None:
        for key, tries in _keys(address, name):
            self._failures.setdefault(key, deque(maxlen=tries)).append(now_s)
            self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)

    def _wait_of(self, key: tuple[str, str], tries: int, now_s: float) -> float:
        times = self._failures.get(key, deque())
        while times and now_s - times[0] >= WINDOW_S:
            times.popleft()
        return WINDOW_S - (now_s - times[0]) if len(times) >= tries else 0.0


def _keys(address: str, name: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (((address, name), TRIES_OF_PAIR), ((address, ""), TRIES_OF_ADDRESS), (("", name), TRIES_OF_NAME))

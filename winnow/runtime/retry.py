"""How long to wait before the next try."""

from random import Random


class Backoff:
    """Delays that double from `first_s` to `limit_s`, each spread by `jitter`.

    Args:
        first_s: the first delay in seconds, before jitter.
        limit_s: no delay is longer than this, before jitter.
        jitter: each delay is multiplied by a random factor in `1 ± jitter`, so that many nodes
            cut off together do not come back together.
        random: the source of that factor; a seeded one makes the delays repeatable.
    """

    def __init__(self, *, first_s: float, limit_s: float, jitter: float = 0.3, random: Random | None = None) -> None:
        self._first_s = first_s
        self._limit_s = limit_s
        self._jitter = jitter
        self._random = random or Random()  # noqa: S311 - spreads load, protects nothing
        self._next_s = first_s

    def next_delay_s(self) -> float:
        """Return the delay before the next try, and double the one after it."""
        delay_s = self._next_s * self._random.uniform(1 - self._jitter, 1 + self._jitter)
        self._next_s = min(self._next_s * 2, self._limit_s)
        return delay_s

    def reset(self) -> None:
        """Start again at the first delay: the last try went well."""
        self._next_s = self._first_s

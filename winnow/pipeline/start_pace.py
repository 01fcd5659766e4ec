"""How fast live cameras start: each costs most in its first seconds, and no start may make those that run late.

A camera's process has to be started, its scene has to be looked at, and every picture is decoded until it is known to
be calm: half a second of processor time, then for 10 s as much as it costs at its busiest. A box that carries fifty
resting cameras cannot carry fifty that start.
"""

from typing import Final

AT_ONCE: Final = 4
"""Cameras a core that start together."""

PER_S: Final = 0.5
"""Cameras a second and core after those. A 720p camera takes 0.8 s of processor time until it rests: half of that is
decoding, the rest its process and looks."""


class StartPace:
    """A bucket of starts that fills by `PER_S` a second and core, up to `AT_ONCE` a core.

    Args:
        cores: that the cameras share, at least 1.
    """

    def __init__(self, cores: int) -> None:
        self._cores = cores
        self._left = float(AT_ONCE * cores)
        self._last_s: float | None = None

    def takes(self, now_s: float) -> bool:
        """Return whether one more camera may start at this monotonic time; it counts as started then."""
        passed_s = 0.0 if self._last_s is None else now_s - self._last_s
        self._last_s = now_s
        self._left = min(self._left + passed_s * PER_S * self._cores, float(AT_ONCE * self._cores))
        if self._left < 1:
            return False
        self._left -= 1
        return True

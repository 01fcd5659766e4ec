"""How fast a recording is played."""

from fractions import Fraction


class Pace:
    """Holds frames back so that stream time passes at `speed` times real time.

    Args:
        speed: 1 is real time, 2 twice as fast; None plays as fast as the machine can.
    """

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._started_mono_s: float | None = None

    def delay_s(self, stream_s: Fraction, now_mono_s: float) -> float:
        """Return how long the frame at `stream_s` must wait; 0 if it is due. The first call starts the play."""
        if self._speed is None:
            return 0.0
        if self._started_mono_s is None:
            self._started_mono_s = now_mono_s - float(stream_s) / self._speed
        due_mono_s = self._started_mono_s + float(stream_s) / self._speed
        return max(0.0, due_mono_s - now_mono_s)

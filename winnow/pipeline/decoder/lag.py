"""How far the time of a live stream lies behind this machine's clock, told from what its frames have in common.

A single frame may come late for many reasons; if none of a minute's comes in time, it is the time that is wrong. The
camera's clock is slow, or this machine's was set while the camera was watched: boxes without a battery wake up in some
other year, and are put right by the network a little later.
"""

from datetime import timedelta
from typing import Final

WATCHED_S: Final = 60.0
BEHIND: Final = timedelta(seconds=1)
"""Less is on the way: a camera's encoder and buffers take some hundred milliseconds."""


class Lag:
    """The least time that a frame came later than it says it was taken, over a minute."""

    def __init__(self) -> None:
        self._since_s: float | None = None
        self._least = timedelta.max

    def restart(self) -> None:
        """Forget the frames before: their time rests on something else."""
        self._since_s = None

    def note(self, lag: timedelta, mono_s: float) -> timedelta:
        """Take in a frame that was read at a monotonic time; return by how much all times are to be later from now on.

        Args:
            lag: wall time of reading minus the frame's own.
            mono_s: when it was read.
        """
        if self._since_s is None:
            self._since_s, self._least = mono_s, lag
        self._least = min(self._least, lag)
        if mono_s - self._since_s < WATCHED_S:
            return timedelta(0)
        self._since_s = None
        return self._least if self._least >= BEHIND else timedelta(0)

"""When verdicts become a state: ten seconds of hysteresis both ways.

    well      ── every verdict of the last `hold_s` names a fault ──▶  degraded, by the one named most often
    degraded  ── every verdict of the last `hold_s` is good ────────▶  well
    degraded  ── every verdict of the last `hold_s` is one other ───▶  degraded, by that one

A single good picture among bad ones starts the time anew, and so does a single bad one among good ones: faults last,
glitches do not.
"""

from collections import Counter, deque
from dataclasses import dataclass
from fractions import Fraction

from winnow.events.data import DegradedReason


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthChange:
    """A camera's state changed.

    Attributes:
        at_s: stream time at which it is known.
        reason: what is wrong from now on; None if all is well again.
        before: what was wrong until now.
        since_s: stream time at which the verdicts began that led to it.
    """

    at_s: Fraction
    reason: DegradedReason | None
    before: DegradedReason | None
    since_s: Fraction


class Hysteresis:
    """The state of one camera.

    Args:
        hold_s: how long a verdict must last.
    """

    def __init__(self, hold_s: float) -> None:
        self.state: DegradedReason | None = None
        self._hold_s = Fraction(hold_s)
        self._verdicts: deque[tuple[Fraction, DegradedReason | None]] = deque()

    def restart(self) -> None:
        """Keep the state and count the time of every verdict anew."""
        self._verdicts.clear()

    def become(self, reason: DegradedReason | None) -> None:
        """Take over a state that needs no more proof."""
        self.state = reason
        self._verdicts.clear()

    def note(self, at_s: Fraction, verdict: DegradedReason | None) -> HealthChange | None:
        """Take in the verdict on the picture at `at_s`, later than the one before; return the change that it brings."""
        if self._verdicts and not self._belongs(verdict):
            self._verdicts.clear()
        self._verdicts.append((at_s, verdict))
        since_s = self._verdicts[0][0]
        if at_s - since_s < self._hold_s or verdict == self.state:
            self._trim()
            return None
        reason = Counter(one for _, one in self._verdicts).most_common(1)[0][0]
        change = HealthChange(at_s=at_s, reason=reason, before=self.state, since_s=since_s)
        self.become(reason)
        return change

    def _belongs(self, verdict: DegradedReason | None) -> bool:
        """Return whether a verdict goes on with the run of those before it."""
        last = self._verdicts[-1][1]
        return last == verdict or (self.state is None and last is not None and verdict is not None)

    def _trim(self) -> None:
        if self._verdicts[-1][1] == self.state:
            while len(self._verdicts) > 1:
                self._verdicts.popleft()

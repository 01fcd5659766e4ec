"""How far a live camera steps back when its frames get old: a pure state machine, time handed in.

Theory. The measure is a frame's age when its events are accepted, in analysis periods: it holds everything that can be
slow, the detector, the wait for it behind other cameras, the disk. The goal is two periods at most, so a frame is
*late* from one on. A camera that drops to a lower rate has a longer period, and more age is fine.

    rung   every  motion     early
           n-th   threshold  pictures
    0      1      x 1        yes
    1      2      x 1        yes
    2      2      x 1.5      yes
    3      2      x 1.5      no
    4      4      x 1.5      no

    down to rung + 1  when half of the frames of the last UP_AFTER_S were late
    back to rung - 1  when for BACK_AFTER_S all but a tenth would have been young (half a period) on the rung before

The two conditions are far apart, and each step starts its own time anew, so a load between them changes nothing. Coming
back takes longer each time that it was too early: twice as long, up to LONGEST_BACK_S; a quiet spell of that length
forgives. Recordings wait instead of getting old: they have no ladder, so the same footage gives the same events.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

UP_AFTER_S: Final = 2.0
BACK_AFTER_S: Final = 10.0
LONGEST_BACK_S: Final = 160.0

LATE_PERIODS: Final = 1.0
"""Half of the goal of two periods at p95: there is time to act before it is missed."""

YOUNG_PERIODS: Final = 0.5

_LATE_SHARE: Final = 0.5
_OLD_SHARE: Final = 0.1
_FEWEST: Final = 4
"""Frames that a decision needs: one slow frame is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """How a camera looks while it is on a rung.

    Attributes:
        every: of the sampled frames, each n-th is analysed.
        threshold_factor: by which the motion threshold is larger.
        sends_early: whether objects get an early picture.
    """

    every: int = 1
    threshold_factor: float = 1.0
    sends_early: bool = True


RUNGS: Final = (
    Rung(),
    Rung(every=2),
    Rung(every=2, threshold_factor=1.5),
    Rung(every=2, threshold_factor=1.5, sends_early=False),
    Rung(every=4, threshold_factor=1.5, sends_early=False),
)


class Ladder:
    """The state of one camera.

    Args:
        period_s: between two analysed frames on the first rung.

    Attributes:
        number: the rung it is on, 0 if everything is as set.
        steps_up: how often it stepped onto each rung from the one before.
    """

    def __init__(self, period_s: float) -> None:
        self.number = 0
        self.steps_up = [0] * len(RUNGS)
        self._period_s = period_s
        self._ages: deque[tuple[float, float]] = deque()
        self._since_s: float | None = None
        self._back_after_s = BACK_AFTER_S
        self._came_back_at_s: float | None = None

    @property
    def rung(self) -> Rung:
        """Return how to look now."""
        return RUNGS[self.number]

    @property
    def period_s(self) -> float:
        """Return the time between two analysed frames on this rung."""
        return self._period_s * self.rung.every

    def note(self, age_s: float, now_s: float) -> bool:
        """Take in the age of a frame whose events were just accepted; return whether the rung changed.

        Args:
            age_s: since the frame was decoded.
            now_s: monotonic time.
        """
        if self._since_s is None:
            self._since_s = now_s
        self._ages.append((now_s, age_s))
        while len(self._ages) > _FEWEST and now_s - self._ages[0][0] > max(UP_AFTER_S, self._back_after_s):
            self._ages.popleft()
        if self._is_overloaded(now_s):
            return self._step(1, now_s)
        return self._has_room(now_s) and self._step(-1, now_s)

    def _is_overloaded(self, now_s: float) -> bool:
        if self.number == len(RUNGS) - 1 or not self._lasted(UP_AFTER_S, now_s):
            return False
        in_time = sum(now_s - at_s <= UP_AFTER_S for at_s, _ in self._ages)
        recent = [age_s for _, age_s in self._ages][-max(in_time, _FEWEST) :]
        late = sum(age_s > LATE_PERIODS * self.period_s for age_s in recent)
        return len(recent) >= _FEWEST and late > _LATE_SHARE * len(recent)

    def _has_room(self, now_s: float) -> bool:
        if self.number == 0 or not self._lasted(self._back_after_s, now_s):
            return False
        before_s = self._period_s * RUNGS[self.number - 1].every
        old = sum(age_s > YOUNG_PERIODS * before_s for _, age_s in self._ages)
        return len(self._ages) >= _FEWEST and old <= _OLD_SHARE * len(self._ages)

    def _lasted(self, seconds: float, now_s: float) -> bool:
        return self._since_s is not None and now_s - self._since_s >= seconds

    def _step(self, by: int, now_s: float) -> bool:
        if by > 0:
            was_too_early = self._came_back_at_s is not None and now_s - self._came_back_at_s < LONGEST_BACK_S
            self._back_after_s = min(2 * self._back_after_s, LONGEST_BACK_S) if was_too_early else BACK_AFTER_S
        else:
            self._came_back_at_s = now_s
        self.number += by
        if by > 0:
            self.steps_up[self.number] += 1
        self._ages.clear()
        self._since_s = now_s
        return True

"""When the number of objects in a zone passes its threshold.

One event a change, at most one in the cool-down. What passes the threshold in it is told at its end, if it is still so
then; its time is that of the change that lasted.
"""

from fractions import Fraction
from typing import Final, Literal

from winnow.pipeline.settings import OccupancySettings

State = Literal["above", "below"]
_EMPTY: Final = "below"
"""Every zone starts empty, and nobody needs to be told."""


class Occupancy:
    """Whether at least the threshold's number of objects are inside, as told and as it is."""

    def __init__(self, settings: OccupancySettings) -> None:
        self.threshold = settings.threshold
        self._cool_down_s = Fraction(settings.cool_down_s)
        self._is: State = _EMPTY
        self._is_since_s = Fraction(0)
        self._told: State = _EMPTY
        self._told_time_s = Fraction(0)
        self._told_at_s: Fraction | None = None

    def count(
        self, number: int, changed_s: Fraction, at_s: Fraction, *, is_last: bool
    ) -> tuple[State, Fraction] | None:
        """Return the state that is to be told now and since when it holds, None if there is no news.

        Args:
            number: how many objects are inside.
            changed_s: when the last one came or went.
            at_s: now, in stream time.
            is_last: nothing will be told later, so no cool-down is waited for.
        """
        state: State = "above" if number >= self.threshold else "below"
        if state != self._is:
            self._is, self._is_since_s = state, max(changed_s, self._told_time_s)
        is_cooling = self._told_at_s is not None and at_s - self._told_at_s < self._cool_down_s
        if state == self._told or (is_cooling and not is_last):
            return None
        self._told, self._told_at_s, self._told_time_s = state, at_s, self._is_since_s
        return state, self._is_since_s

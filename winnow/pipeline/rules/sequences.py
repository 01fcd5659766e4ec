"""Who goes through zones in the order that was asked for.

For each object and each beginning of the sequence (A; A, B; …) the latest time is kept at which an object that has come
so far was last in the first zone. Coming into a zone continues every beginning that waits for it, if the time allows.
So somebody who turns back, passes other zones, or starts again half-way is followed without trying out every way.
"""

from collections.abc import Sequence
from fractions import Fraction

from winnow.pipeline.rules.memories import swap_values


class ZoneSequence:
    """One sequence of one camera.

    Args:
        zones: names in order, two at least.
        within_s: the longest time from leaving the first to coming into the last.
    """

    def __init__(self, zones: Sequence[str], *, within_s: Fraction) -> None:
        self.zones = tuple(zones)
        self._within_s = within_s
        self._left_first_s: dict[int, list[Fraction | None]] = {}

    def enter(self, track: int, zone: str, at_s: Fraction) -> Fraction | None:
        """Return how long the way through the zones took, now that the object came into a zone; None if it is not done.

        Once done it must begin anew.
        """
        left_s = self._left_first_s.setdefault(track, [None] * len(self.zones))
        for step in range(len(self.zones) - 1, -1, -1):
            if self.zones[step] == zone:
                left_s[step] = at_s if step == 0 else self._in_time(left_s[step - 1], at_s)
        done_s = left_s[-1]
        if done_s is None:
            return None
        self._left_first_s[track] = [at_s if zone == self.zones[0] else None, *[None] * (len(self.zones) - 1)]
        return at_s - done_s

    def be_in_first(self, track: int, at_s: Fraction) -> None:
        """Whoever has begun was in the first zone up to `at_s`, and has not left it before."""
        left_s = self._left_first_s.get(track)
        if left_s is not None and left_s[0] is not None:
            left_s[0] = max(left_s[0], at_s)

    def swap(self, track: int, other: int) -> None:
        """Take what is known of one object for what is known of the other."""
        swap_values(self._left_first_s, track, other)

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._left_first_s.pop(track, None)

    def _in_time(self, left_first_s: Fraction | None, at_s: Fraction) -> Fraction | None:
        if left_first_s is None or at_s - left_first_s > self._within_s:
            return None
        return min(left_first_s, at_s)

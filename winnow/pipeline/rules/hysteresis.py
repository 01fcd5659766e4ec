"""Which side of a border an object has held.

A box trembles, so being on the other side once means nothing. An object changes sides when it is seen beyond the band
on the other side, again at least HOLD_S later, and never elsewhere in between:

    seen in the band           forgets the candidate, keeps the held side
    seen on the held side      forgets the candidate
    seen on the other side     becomes the candidate, or, if it has been for HOLD_S, the held side

The first side is held on the same terms. No sighting is no evidence: time in which the object was not seen counts
neither for nor against.
"""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Final

HOLD_S: Final = Fraction(3, 10)


class Side(IntEnum):
    """Where a point is: left of a line or outside a polygon, in the band, right of the line or inside."""

    NEGATIVE = -1
    BAND = 0
    POSITIVE = 1


def side_of(distance: float, band: float) -> Side:
    """Return the side of a point at a signed distance from the border."""
    if abs(distance) < band:
        return Side.BAND
    return Side.POSITIVE if distance > 0 else Side.NEGATIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A held side and the one that may come after it.

    Attributes:
        held: BAND until a side was held for the first time.
        candidate: BAND if there is none.
        since_s: stream time of the candidate's first sighting; after a change, of the held side's.
    """

    held: Side = Side.BAND
    candidate: Side = Side.BAND
    since_s: Fraction = Fraction(0)

    def seen(self, side: Side, at_s: Fraction) -> "Holding":
        """Return the holding after a sighting."""
        if side in (Side.BAND, self.held):
            return Holding(held=self.held)
        if side != self.candidate:
            return Holding(held=self.held, candidate=side, since_s=at_s)
        if at_s - self.since_s < HOLD_S:
            return self
        return Holding(held=side, since_s=self.since_s)

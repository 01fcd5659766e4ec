"""The seam to what holds pictures back: a box that is overloaded, a link whose bytes are counted."""

from typing import Literal, Protocol

Size = Literal["full", "small", "none"]
"""How large a picture may be: as the settings say, a few hundred bytes, or not sent at all."""


class Restraint(Protocol):
    """Asked once for each picture that is due; a picture that is held back is counted by whoever answers."""

    def allows_early(self) -> bool:
        """Return whether the early picture of an object may be sent; the one with its end comes all the same."""

    def size(self) -> Size:
        """Return how large the picture may be."""


class NoRestraint:
    """Lets every picture go: what a recording gets, so that the same footage always gives the same pictures."""

    def allows_early(self) -> bool:
        """Return True."""
        return True

    def size(self) -> Size:
        """Return `full`."""
        return "full"

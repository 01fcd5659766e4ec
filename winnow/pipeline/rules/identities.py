"""When a tracker has taken two objects for each other.

Two people who pass behind a tree may come out under each other's number. To a line that lies between them both seem to
have crossed it. Theory: an object that is followed is found near the place to which its last steps lead, or, if it
stopped, near the last one. Two tracks have been swapped when neither is found where it was expected, and each where the
other was; or one of them is found so while the other is not seen at all. Then what the rules know of one is known of
the other. A slip that is mended in the next frame is swapped back by the same reasoning.

Two people who really change places are each found where they were heading for, so they are no swap. Those who are so
close that their places cannot be told apart are left to the tracker.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from winnow.pipeline.rules.geometry import PixelPoint
from winnow.pipeline.rules.memories import swap_values
from winnow.pipeline.rules.sighting import Sighting

HEADING_S: Final = 1
"""Over how much of its way an object's speed is taken: short enough for a turn, long enough to average trembling."""

EXPECTED_FOR_S: Final = 2
"""An object that was not seen for longer may be anywhere."""

CLEARLY: Final = 0.5
"""A place is the other's if it is at most this share as far from there as from where the object itself was expected."""


@dataclass(slots=True, kw_only=True)
class _Follower:
    """What is known of one track.

    Attributes:
        label: of its object.
        way: its last sightings within `HEADING_S`, two at least where there are, oldest first.
    """

    label: str
    way: deque[tuple[Fraction, PixelPoint]]

    def away(self, place: PixelPoint, at_s: Fraction) -> float:
        """Return how far a place is from where the object is expected; infinite if it may be anywhere."""
        (first_s, (first_x, first_y)), (last_s, (last_x, last_y)) = self.way[0], self.way[-1]
        if at_s - last_s > EXPECTED_FOR_S:
            return math.inf
        ahead = float((at_s - last_s) / (last_s - first_s)) if last_s > first_s else 0.0
        heading_for = last_x + ahead * (last_x - first_x), last_y + ahead * (last_y - first_y)
        return min(math.dist(place, heading_for), math.dist(place, (last_x, last_y)))


class Identities:
    """Where objects were lately, and so where they will be.

    Args:
        tolerance: pixels by which every object may be away from where it is expected.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._followers: dict[int, _Follower] = {}

    def swapped(self, at_s: Fraction, newest: Iterable[tuple[int, Sighting]]) -> list[tuple[int, int]]:
        """Return the pairs of tracks of one label that have been swapped, now that they are seen so."""
        found = {track: sighting.anchor("centre") for track, sighting in newest if track in self._followers}
        strays = [track for track, place in found.items() if self._is_astray(track, place, at_s)]
        pairs: list[tuple[int, int]] = []
        for track in strays:
            taken = {one for pair in pairs for one in pair}
            others = [other for other in self._followers if other not in taken and other != track]
            other = next((one for one in others if self._is_swap(track, one, found, at_s)), None)
            if other is not None and track not in taken:
                pairs.append((track, other))
        for track, other in pairs:
            swap_values(self._followers, track, other)
        return pairs

    def note(self, track: int, label: str, sighting: Sighting) -> None:
        """Take in the newest sighting."""
        follower = self._followers.setdefault(track, _Follower(label=label, way=deque()))
        follower.way.append((sighting.at_s, sighting.anchor("centre")))
        while len(follower.way) > 2 and sighting.at_s - follower.way[0][0] > HEADING_S:  # noqa: PLR2004 - a speed
            follower.way.popleft()

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._followers.pop(track, None)

    def _is_astray(self, track: int, place: PixelPoint, at_s: Fraction) -> bool:
        return self._tolerance < self._followers[track].away(place, at_s) < math.inf

    def _is_swap(self, track: int, other: int, found: Mapping[int, PixelPoint], at_s: Fraction) -> bool:
        one, two = self._followers[track], self._followers[other]
        if one.label != two.label or not _fits_better(found[track], two, one, at_s):
            return False
        if other not in found:
            return True
        return self._is_astray(other, found[other], at_s) and _fits_better(found[other], one, two, at_s)


def _fits_better(place: PixelPoint, one: _Follower, other: _Follower, at_s: Fraction) -> bool:
    """Return whether a place is clearly nearer to where `one` is expected than to where `other` is."""
    return one.away(place, at_s) <= CLEARLY * other.away(place, at_s)

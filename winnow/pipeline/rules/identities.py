"""When a tracker has taken two objects for each other.

Two people who pass behind a tree may come out under each other's number. To a line that lies between them both seem to
have crossed it. Theory: an object that is followed is found near the place to which its last steps lead. Two tracks
have been swapped when neither is found there, and each is found where the other was expected. Then what the rules know
of one is known of the other.

Two people who really change places are each found where they were heading for, so they are no swap. Those who are so
close that their places cannot be told apart are left to the tracker.
"""

import math
from collections import deque
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Final, TypeVar

from winnow.pipeline.rules.geometry import PixelPoint
from winnow.pipeline.rules.sighting import Sighting

HEADING_S: Final = 1
"""Over how much of its way an object's speed is taken: short enough for a turn, long enough to average trembling."""

EXPECTED_FOR_S: Final = 2
"""An object that was not seen for longer may be anywhere."""

CLEARLY: Final = 0.5
"""A place is the other's if it is at most this share as far from there as from where the object itself was expected."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Stray:
    """A track that was not found where it was expected."""

    track: int
    label: str
    found: PixelPoint
    expected: PixelPoint

    @property
    def astray(self) -> float:
        return math.dist(self.found, self.expected)


class Identities:
    """Where objects were lately, and so where they will be.

    Args:
        tolerance: pixels by which every object may be away from where it is expected.
    """

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._ways: dict[int, deque[tuple[Fraction, PixelPoint]]] = {}

    def swapped(self, newest: Iterable[tuple[int, str, Sighting]]) -> list[tuple[int, int]]:
        """Return the pairs of tracks of one label that have been swapped, now that they are seen so."""
        strays = [stray for track, label, sighting in newest if (stray := self._stray(track, label, sighting))]
        pairs = [(one.track, other.track) for one, other in combinations(strays, 2) if _is_swap(one, other)]
        for one, other in pairs:
            swap_values(self._ways, one, other)
        return pairs

    def note(self, track: int, sighting: Sighting) -> None:
        """Take in the newest sighting."""
        way = self._ways.setdefault(track, deque())
        way.append((sighting.at_s, sighting.anchor("centre")))
        while len(way) > 2 and sighting.at_s - way[0][0] > HEADING_S:  # noqa: PLR2004 - a speed needs two places
            way.popleft()

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._ways.pop(track, None)

    def _stray(self, track: int, label: str, sighting: Sighting) -> _Stray | None:
        expected = self._expected(track, sighting.at_s)
        found = sighting.anchor("centre")
        if expected is None or math.dist(found, expected) <= self._tolerance:
            return None
        return _Stray(track, label, found, expected)

    def _expected(self, track: int, at_s: Fraction) -> PixelPoint | None:
        way = self._ways.get(track)
        if not way or at_s - way[-1][0] > EXPECTED_FOR_S:
            return None
        (first_s, (first_x, first_y)), (last_s, (last_x, last_y)) = way[0], way[-1]
        ahead = float((at_s - last_s) / (last_s - first_s)) if last_s > first_s else 0.0
        return last_x + ahead * (last_x - first_x), last_y + ahead * (last_y - first_y)


def _is_swap(one: _Stray, other: _Stray) -> bool:
    return (
        one.label == other.label
        and math.dist(one.found, other.expected) <= CLEARLY * one.astray
        and math.dist(other.found, one.expected) <= CLEARLY * other.astray
    )


def swap_values(values: MutableMapping[int, Value], one: int, other: int) -> None:
    """What stood under one key stands under the other, if anything did."""
    first, second = values.pop(one, None), values.pop(other, None)
    if first is not None:
        values[other] = first
    if second is not None:
        values[one] = second

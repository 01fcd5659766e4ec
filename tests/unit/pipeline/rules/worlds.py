"""Objects whose true ways are known, and a camera that sees them badly: trembling, flickering, missed, mistaken."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Final

from hypothesis import strategies as st

from winnow.pipeline.rules import Sighting
from winnow.pipeline.rules.hysteresis import HOLD_S

FRAME: Final = (1000, 600)
BORDER_X: Final = 500
AWAY_PX: Final = 60
"""How far from the border objects stay."""
WALK_S: Final = Fraction(3, 2)
"""How long they take from one side to the other."""
WIDTH, HEIGHT = 80, 160
LANES: Final = (250, 550)
"""Where the objects' feet are; nobody is near anybody else."""
TREMBLE_PX: Final = 6
FLICKER_PX: Final = 90
"""How far a flickering box is off: over the border and far beyond its band."""


@dataclass(frozen=True, slots=True)
class TrueWay:
    """An object that stays on one side of the border, walks over to the other, stays there, and so on.

    Attributes:
        first_side: -1 is left of the border, 1 right.
        stays_s: how long each stay is.
    """

    first_side: int
    stays_s: tuple[Fraction, ...]

    @property
    def length_s(self) -> Fraction:
        """How long all stays and walks take."""
        return sum(self.stays_s, Fraction(0)) + WALK_S * (len(self.stays_s) - 1)

    @property
    def crossings(self) -> list[tuple[Fraction, int]]:
        """When it crosses the border, and the side it then comes to."""
        found, at_s, side = [], Fraction(0), self.first_side
        for stay_s in self.stays_s[:-1]:
            at_s, side = at_s + stay_s + WALK_S, -side
            found.append((at_s - WALK_S / 2, side))
        return found

    def visits_right(self, end_s: Fraction) -> list[tuple[Fraction, Fraction]]:
        """Return from when to when it is right of the border."""
        bounds = [Fraction(0), *(at_s for at_s, _ in self.crossings), end_s]
        first = 0 if self.first_side > 0 else 1
        return list(pairwise(bounds))[first::2]

    def x_at(self, at_s: Fraction) -> float:
        """Return where it truly is."""
        side, left_s = self.first_side, at_s
        for stay_s in self.stays_s[:-1]:
            if left_s <= stay_s:
                break
            if left_s < stay_s + WALK_S:
                return BORDER_X + side * AWAY_PX * (1 - 2 * float((left_s - stay_s) / WALK_S))
            left_s, side = left_s - stay_s - WALK_S, -side
        return float(BORDER_X + side * AWAY_PX)


@dataclass(frozen=True, slots=True)
class World:
    """Some objects and how badly they are seen.

    Attributes:
        ways: of each object.
        rate: frames a second.
        missed: share of the sightings that are missed, never so many in a row that the object is gone for 2 s.
        flickering: share of the sightings in which the box is far off.
        steady_s: how long boxes are good after one that was off: three sightings at least.
        swaps: times from which on the two objects have each other's numbers.
        seed: for the rest.
    """

    ways: tuple[TrueWay, ...]
    rate: int
    missed: float
    flickering: float
    swaps: tuple[Fraction, ...]
    seed: int
    steady_s: Fraction = Fraction(1, 2)

    @property
    def end_s(self) -> Fraction:
        """When the last object is done."""
        return max(way.length_s for way in self.ways)

    @property
    def blind_s(self) -> Fraction:
        """How long a change may go unnoticed: what can be missed or flicker in a row, and the time to believe it."""
        return 6 * self._longest_gap_s + HOLD_S + self.steady_s

    @property
    def _longest_gap_s(self) -> Fraction:
        return Fraction(self._longest_miss + 1, self.rate)

    @property
    def _longest_miss(self) -> int:
        return min(self.rate, 5) // 2 if self.missed else 0

    def frames(self) -> Iterator[tuple[Fraction, dict[int, Sighting]]]:
        """Give each frame's time and the sightings in it, by the number of the track."""
        random = Random(self.seed)
        missed, good = [0] * len(self.ways), [0] * len(self.ways)
        for index in range(int(self.end_s * self.rate) + 1):
            at_s, seen = Fraction(index, self.rate), {}
            for number, way in enumerate(self.ways):
                if missed[number] < self._longest_miss and random.random() < self.missed:
                    missed[number] += 1
                    continue
                missed[number] = 0
                flickers = (
                    good[number] > max(2.0, self.rate * float(self.steady_s)) and random.random() < self.flickering
                )
                good[number] = 0 if flickers else good[number] + 1
                seen[self._track(number, at_s)] = _sighting(way, number, at_s, random, flickers=flickers)
            yield at_s, seen

    def _track(self, number: int, at_s: Fraction) -> int:
        is_swapped = sum(swap_s <= at_s for swap_s in self.swaps) % 2
        return 1 + (number + is_swapped) % len(self.ways)


def _sighting(way: TrueWay, number: int, at_s: Fraction, random: Random, *, flickers: bool) -> Sighting:
    x, y = way.x_at(at_s), float(LANES[number])
    x += random.uniform(-TREMBLE_PX, TREMBLE_PX) + (random.choice((-1, 1)) * FLICKER_PX if flickers else 0)
    y += random.uniform(-TREMBLE_PX, TREMBLE_PX)
    box = (x - WIDTH / 2, y - HEIGHT, x + WIDTH / 2, y)
    return Sighting(at_s=at_s, box=box, score=random.uniform(0.4, 0.9))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world of two objects."""
    rate = draw(st.integers(1, 30))
    shortest_s = 8 if rate < 5 else 4
    stays = st.lists(
        st.fractions(min_value=shortest_s, max_value=shortest_s + 8, max_denominator=7), min_size=1, max_size=3
    ).map(tuple)
    ways = tuple(TrueWay(first_side=draw(st.sampled_from((-1, 1))), stays_s=draw(stays)) for _ in range(2))
    end_s = max(way.length_s for way in ways)
    swaps = draw(st.lists(st.fractions(min_value=2, max_value=int(end_s), max_denominator=30), max_size=3))
    return World(
        ways=ways,
        rate=rate,
        missed=draw(st.sampled_from((0.0, 0.1, 0.4))),
        flickering=draw(st.sampled_from((0.0, 0.1, 0.3))),
        swaps=tuple(swaps),
        seed=draw(st.integers(0, 2**16)),
    )

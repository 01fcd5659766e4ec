"""The table of sides, row by row."""

from fractions import Fraction

import pytest

from winnow.pipeline.rules.hysteresis import HOLD_S, Holding, Side, side_of

N, B, P = Side.NEGATIVE, Side.BAND, Side.POSITIVE
TENTH = Fraction(1, 10)


@pytest.mark.parametrize(
    ("sides", "held"),
    [
        ([P], B),
        ([P, P, P, P], P),
        ([N, N, N, N, P, P, P], N),
        ([N, N, N, N, P, P, P, P], P),
        ([N, N, N, N, P, P, P, B, P], N),
        ([N, N, N, N, P, P, N, P, P, P], N),
        ([N, N, N, N, B, B, B, B, B], N),
    ],
)
def test_side_is_held_after_sightings_over_the_hold_time(sides: list[Side], held: Side) -> None:
    """At ten sightings a second the fourth in a row on a side holds it; anything else in between starts anew."""
    holding = Holding()
    for index, side in enumerate(sides):
        holding = holding.seen(side, index * TENTH)
    assert holding.held is held


def test_time_without_sightings_counts_towards_the_hold() -> None:
    """At one frame a second two sightings on a side hold it; a single one never does."""
    holding = Holding(held=N).seen(P, Fraction(5))
    assert holding.held is N
    assert holding.seen(P, Fraction(6)).held is P


def test_side_is_held_exactly_at_the_hold_time() -> None:
    """Stream time is exact, so thirds of a second add up."""
    holding = Holding(held=N).seen(P, Fraction(1, 3))
    assert holding.seen(P, Fraction(1, 3) + HOLD_S - Fraction(1, 10**9)).held is N
    assert holding.seen(P, Fraction(1, 3) + HOLD_S).held is P


def test_since_is_when_the_side_was_first_seen() -> None:
    """A side counts from its first sighting, not from the moment at which it was believed."""
    assert Holding(held=N).seen(P, Fraction(2)).seen(P, Fraction(3)).since_s == 2


def test_the_band_has_no_side() -> None:
    """The edge of the band belongs to the sides."""
    assert [side_of(distance, 5.0) for distance in (-5.0, -4.9, 0.0, 4.9, 5.0)] == [N, B, B, B, P]

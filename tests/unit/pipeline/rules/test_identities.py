"""When two tracks have been taken for each other."""

from fractions import Fraction

import pytest

from winnow.pipeline.rules import Sighting
from winnow.pipeline.rules.identities import Identities

HERE, THERE = (100.0, 300.0), (400.0, 300.0)
NEXT_S = Fraction(2)


def at(place: tuple[float, float], at_s: Fraction = NEXT_S) -> Sighting:
    """Return a sighting whose box has its middle at a place."""
    x, y = place
    return Sighting(at_s=at_s, box=(x - 20, y - 50, x + 20, y + 50), score=0.8)


def two(second_label: str = "person", *, steps_px: float = 0) -> Identities:
    """Return what is known of two objects that were seen for a second, to which the steps led here and there."""
    known = Identities(tolerance=10)
    for index in range(6):
        back = (index - 5) * steps_px
        known.note(1, "person", at((HERE[0] + back, HERE[1]), Fraction(index, 5)))
        known.note(2, second_label, at((THERE[0] - back, THERE[1]), Fraction(index, 5)))
    return known


def test_two_who_are_found_in_each_others_place_are_swapped() -> None:
    """And in the frame after that they are where they are expected."""
    known = two()
    assert known.swapped(NEXT_S, [(1, at(THERE)), (2, at(HERE))]) == [(1, 2)]
    assert known.swapped(NEXT_S, [(1, at(THERE)), (2, at(HERE))]) == []


def test_two_who_are_where_they_were_are_not_swapped() -> None:
    """Nor two that are somewhat beside it."""
    assert two().swapped(NEXT_S, [(1, at(HERE)), (2, at((THERE[0] + 40, THERE[1])))]) == []


def test_two_who_stopped_are_known_by_their_last_places() -> None:
    """Their steps led apart, but they stand, each under the other's number."""
    for steps_px in (4, -80):
        assert two(steps_px=steps_px).swapped(NEXT_S, [(1, at(THERE)), (2, at(HERE))]) == [(1, 2)]


def test_things_of_two_labels_are_never_swapped() -> None:
    """A tracker does not take a person for a car."""
    assert two("car").swapped(NEXT_S, [(1, at(THERE)), (2, at(HERE))]) == []


def test_one_who_is_found_in_the_place_of_a_missed_one_is_swapped() -> None:
    """Who is not seen will turn up under the other number."""
    known = two()
    assert known.swapped(NEXT_S, [(1, at(THERE))]) == [(1, 2)]
    assert known.swapped(NEXT_S, [(1, at(THERE)), (2, at(HERE))]) == []


def test_slip_of_one_frame_is_swapped_back() -> None:
    """If the next frame shows both as before, so do the rules."""
    known = two()
    assert known.swapped(NEXT_S, [(1, at(THERE))]) == [(1, 2)]
    known.note(1, "person", at(THERE))
    later_s = NEXT_S + Fraction(1, 5)
    assert known.swapped(later_s, [(1, at(HERE, later_s)), (2, at(THERE, later_s))]) == [(1, 2)]


@pytest.mark.parametrize(("gone_s", "pairs"), [(2, [(1, 2)]), (3, [])])
def test_nobody_is_expected_for_long(gone_s: int, pairs: list[tuple[int, int]]) -> None:
    """Who was not seen for more than two seconds may be anywhere."""
    at_s = 1 + Fraction(gone_s)
    assert two().swapped(at_s, [(1, at(THERE, at_s)), (2, at(HERE, at_s))]) == pairs

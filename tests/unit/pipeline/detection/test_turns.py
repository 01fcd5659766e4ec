"""Fairness among cameras that want the same detector, in simulations."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.detection.turns import REMEMBERED, Turns


def _simulated(wishes: dict[str, list[int]], sessions: int, steps: int) -> tuple[dict[str, list[int]], Counter[str]]:
    """Serve cameras step by step, each turn taking one step.

    Args:
        wishes: by camera, the step at which each of its pictures comes; a camera asks for one at a time, and pictures
            that come while it waits are asked for after it.
        sessions: turns that can be served in a step.
        steps: how long.

    Returns:
        How many steps each picture waited from being asked for, by camera; and the turns each camera had.
    """
    turns, queues = Turns(), {name: list(times) for name, times in wishes.items()}
    asked_at: dict[str, int] = {}
    waits: dict[str, list[int]] = {name: [] for name in wishes}
    for step in range(steps):
        for name, times in queues.items():
            if name not in asked_at and times and times[0] <= step:
                times.pop(0)
                turns.ask(name)
                asked_at[name] = step
        for _ in range(min(sessions, len(turns))):
            name = turns.take().name
            waits[name].append(step - asked_at.pop(name))
    for name, since in asked_at.items():
        waits[name].append(steps - since)
    return waits, Counter({name: len(waited) for name, waited in waits.items()})


@given(
    st.lists(st.lists(st.integers(0, 60), max_size=60).map(sorted), min_size=2, max_size=8),
    st.integers(1, 3),
)
def test_nobody_waits_longer_than_one_turn_of_everybody_else(wishes: list[list[int]], sessions: int) -> None:
    """However the pictures come, a picture waits for at most one turn of each other camera, and one that has begun."""
    named = {f"camera {number}": times for number, times in enumerate(wishes)}
    waits, _ = _simulated(named, sessions, 400)
    assert max((wait for waited in waits.values() for wait in waited), default=0) <= len(wishes)


@pytest.mark.parametrize("sessions", [1, 2, 4])
def test_a_camera_that_always_asks_leaves_the_quiet_ones_their_turns(sessions: int) -> None:
    """Five cameras that ask now and then are served in the very next turn, beside three that never stop asking."""
    busy = {f"busy {number}": [0] * 2000 for number in range(3)}
    quiet = {f"quiet {number}": list(range(5 * number, 1000, 25)) for number in range(5)}
    waits, _ = _simulated({**busy, **quiet}, sessions, 1000)
    assert all(waits[name][0] <= 3 for name in quiet)  # nobody was ever served: the first to ask is first
    assert all(max(waits[name][1:]) == 0 for name in quiet)
    assert all(len(waits[name]) == len(times) for name, times in quiet.items())


def test_cameras_that_always_ask_share_evenly() -> None:
    """Also if one of them began long before the others: it has used up no credit, and gathered none."""
    wishes = {"early": [0] * 1000, **{f"late {number}": [300] * 1000 for number in range(3)}}
    _, at_300 = _simulated(wishes, 1, 300)
    _, at_700 = _simulated(wishes, 1, 700)
    after = at_700 - at_300
    assert at_300["early"] >= 299
    assert max(after.values()) - min(after.values()) <= 2


def test_pausing_saves_nothing_up() -> None:
    """Who did not ask for a long time gets its next turn first, and then no more than the others."""
    wishes = {"steady": [0] * 1000, "back again": [500] * 1000}
    _, before = _simulated(wishes, 1, 500)
    _, after = _simulated(wishes, 1, 600)
    assert after["back again"] - before["back again"] in (50, 51)


def test_cameras_that_are_gone_are_forgotten_in_the_end() -> None:
    """However many names there were, memory is bounded, and those served last are still known."""
    turns = Turns()
    for number in range(3 * REMEMBERED):
        turns.ask(f"camera {number}")
        turns.take()
    assert len(turns._served) == REMEMBERED
    last = f"camera {3 * REMEMBERED - 1}"
    for name in (last, "new"):
        turns.ask(name)
    assert [turns.take().name, turns.take().name] == ["new", last]

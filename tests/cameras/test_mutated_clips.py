"""Damaged recordings; `make fuzz-clips` watches a thousand of them."""

from typing import Final

from tests.cameras.mutated_clips import outcomes

QUICK: Final = range(60)


def test_damage_never_crashes_hangs_or_makes_up_events() -> None:
    """Sixty damaged clips are read to their end or refused; none shows an object or a crossing that was not there."""
    seen = list(outcomes(QUICK))
    assert [one for one in seen if one.is_made_up] == []
    assert max(one.cpu_s for one in seen) < 30
    assert {one.mutation for one in seen} == {"flipped", "lost", "truncated"}
    assert sum(one.frames for one in seen) > 1000
    assert sum(one.damaged for one in seen) > 100

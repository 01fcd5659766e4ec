"""At what hours a rule is watched."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from winnow.pipeline.rules.schedule import Schedule
from winnow.pipeline.settings import ScheduleSettings


def is_open(moment: str, *hours: Mapping[str, object], time_zone: str = "UTC") -> bool:
    """Return whether a schedule is open at a UTC time such as 2026-01-02T12:00."""
    settings = ScheduleSettings.model_validate({"time_zone": time_zone, "hours": hours})
    return Schedule(settings).is_open(datetime.fromisoformat(moment).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2026-01-02T07:59", False), ("2026-01-02T08:00", True), ("2026-01-02T17:59", True), ("2026-01-02T18:00", False)],
)
def test_hours_include_their_start_and_not_their_end(moment: str, *, expected: bool) -> None:
    """So two that follow one another do not overlap."""
    assert is_open(moment, {"start": "08:00", "end": "18:00"}) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-02T21:59", False),
        ("2026-01-02T22:00", True),
        ("2026-01-03T05:59", True),
        ("2026-01-03T06:00", False),
        ("2026-01-03T22:00", False),
        ("2026-01-02T05:59", False),
    ],
)
def test_night_belongs_to_the_day_on_which_it_begins(moment: str, *, expected: bool) -> None:
    """2 January 2026 is a Friday: its night ends on Saturday morning."""
    assert is_open(moment, {"days": ["fri"], "start": "22:00", "end": "06:00"}) == expected


def test_several_hours_are_all_watched() -> None:
    """On weekends the whole day."""
    hours = ({"days": ["sat", "sun"]}, {"start": "20:00"})
    assert [is_open(f"2026-01-0{day}T12:00", *hours) for day in (2, 3, 4, 5)] == [False, True, True, False]
    assert is_open("2026-01-02T20:00", *hours)


@pytest.mark.parametrize(("moment", "expected"), [("2026-03-29T00:30", False), ("2026-03-29T01:30", True)])
def test_summer_time_is_that_of_the_zone(moment: str, *, expected: bool) -> None:
    """When clocks go from 02:00 to 03:00 in Berlin, 01:30 UTC is half past three."""
    assert is_open(moment, {"start": "03:00", "end": "04:00"}, time_zone="Europe/Berlin") == expected

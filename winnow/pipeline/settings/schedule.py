"""At what times of the week a rule is watched."""

import re
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from winnow.runtime.settings import Settings

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MINUTES_A_DAY: Final = 24 * 60
_TIME: Final = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_HOUR_MIN: Final = 60
"""YAML 1.1 reads 18:30 without quotes as the number 1110, which is the right count of minutes. Nothing that is written
as a time can become less than 60 that way, so a smaller number is a slip."""


def _minute_of_day(value: object) -> int:
    if isinstance(value, str) and (match := _TIME.fullmatch(value)):
        value = int(match[1]) * 60 + int(match[2])
    elif isinstance(value, bool) or not isinstance(value, int) or value < _HOUR_MIN:
        raise ValueError('write a time of day as "HH:MM"')
    if value > MINUTES_A_DAY:
        raise ValueError("a day ends at 24:00")
    return value


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as exc:
        raise ValueError("unknown time zone; write one like Europe/Berlin or UTC") from exc
    return name


MinuteOfDay = Annotated[
    int,
    BeforeValidator(_minute_of_day),
    PlainSerializer(lambda minute: f"{minute // 60:02}:{minute % 60:02}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([01]?[0-9]|2[0-4]):[0-5][0-9]$"}),
]
"""Minutes since midnight, 0..1440; written as "HH:MM"."""


class WatchHours(Settings):
    """Some hours of some days.

    Attributes:
        days: on which they begin; every day if empty.
        start: from this time of day on.
        end: before this time of day; of the next day if it is not after `start`.
    """

    days: tuple[Weekday, ...] = ()
    start: MinuteOfDay = 0
    end: MinuteOfDay = MINUTES_A_DAY

    @model_validator(mode="after")
    def _has_length(self) -> "WatchHours":
        if self.start == self.end:
            raise ValueError("start and end are the same; leave both out for the whole day")
        return self


class ScheduleSettings(Settings):
    """When a rule is watched, by the wall time of the pictures.

    Attributes:
        time_zone: in which `hours` are meant, e.g. Europe/Berlin.
        hours: the rule is watched in all of them.
    """

    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    hours: Annotated[tuple[WatchHours, ...], Field(min_length=1, max_length=32)]

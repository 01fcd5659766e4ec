"""Whether a rule is watched at a moment."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from winnow.pipeline.settings.schedule import WEEKDAYS, ScheduleSettings, WatchHours

_DAY = timedelta(days=1)


class Schedule:
    """The hours of one rule.

    A local time that comes twice when clocks go back is watched both times; one that never comes is not missed.
    """

    def __init__(self, settings: ScheduleSettings) -> None:
        self._zone = ZoneInfo(settings.time_zone)
        self._hours = settings.hours

    def is_open(self, moment: datetime) -> bool:
        """Return whether the rule is watched at an aware moment."""
        local = moment.astimezone(self._zone)
        return any(_covers(hours, local) for hours in self._hours)


def _covers(hours: WatchHours, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    if hours.start < hours.end:
        return hours.start <= minute < hours.end and _is_on(hours, local)
    return (minute >= hours.start and _is_on(hours, local)) or (minute < hours.end and _is_on(hours, local - _DAY))


def _is_on(hours: WatchHours, local: datetime) -> bool:
    return not hours.days or WEEKDAYS[local.weekday()] in hours.days

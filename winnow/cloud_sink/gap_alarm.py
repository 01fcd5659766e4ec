"""Tells a person once about every gap, and about every epoch whose places are given out twice."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from winnow.cloud_sink.store import Gap, ReusedPlaces

MAX_LINES: Final = 20
"""Most gaps that one round names one by one; the gauge and the page show the rest."""

MAX_EPOCHS: Final = 1000
"""So many epochs are remembered as told of; then all may be told of again."""

_log: Final = logging.getLogger(__name__)


def proven(gaps: Sequence[Gap], caught_up_at: datetime | None, lateness_s: float) -> list[Gap]:
    """Return the gaps that the backlog in Kafka cannot fill any more.

    A sink that works off a backlog may be ahead in one topic and behind in another; what is missing then is on its way.

    Args:
        gaps: all overdue gaps.
        caught_up_at: up to when everything that Kafka held is in the store; None if nothing was read to its end yet.
        lateness_s: how much older than that a gap must be.
    """
    if caught_up_at is None:
        return []
    return [gap for gap in gaps if gap.since <= caught_up_at - timedelta(seconds=lateness_s)]


class GapAlarm:
    """Remembers which gaps were told of."""

    def __init__(self) -> None:
        self._told: list[Gap] = []

    def report(self, gaps: Sequence[Gap]) -> list[Gap]:
        """Every new gap is in the log as an ERROR, every closed one as an INFO; return the new ones.

        Args:
            gaps: all overdue gaps of now. What is left of a gap that was told of is not new.
        """
        new = [gap for gap in gaps if not any(_covers(told, gap) for told in self._told)]
        closed = [told for told in self._told if not any(_covers(told, gap) for gap in gaps)]
        for gap in new[:MAX_LINES]:
            _log.error("Sequences are missing: accepted at the edge, never stored", extra=_facts(gap))
        if len(new) > MAX_LINES:
            _log.error("More sequences are missing", extra={"gaps": len(new) - MAX_LINES})
        for gap in closed[:MAX_LINES]:
            _log.info("Missing sequences have come or were given up", extra=_facts(gap))
        self._told = [told for told in self._told if told not in closed] + new
        return new


class PlaceAlarm:
    """Remembers which epochs were told of."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def report(self, places: Iterable[ReusedPlaces]) -> None:
        """An epoch of which places come twice is in the log as an ERROR, once."""
        for one in places:
            if (one.node, one.epoch) in self._told:
                continue
            if len(self._told) >= MAX_EPOCHS:
                self._told.clear()
            self._told.add((one.node, one.epoch))
            facts = {"node": one.node, "epoch": one.epoch, "first": one.first, "last": one.last, "messages": one.count}
            _log.error("Sequences came a second time with other messages: a spool was copied or put back", extra=facts)


def _covers(told: Gap, gap: Gap) -> bool:
    return (told.node, told.epoch) == (gap.node, gap.epoch) and told.first <= gap.first and gap.last <= told.last


def _facts(gap: Gap) -> dict[str, object]:
    return {
        "node": gap.node,
        "epoch": gap.epoch,
        "first": gap.first,
        "last": gap.last,
        "missing": gap.count,
        "since": gap.since.isoformat(timespec="seconds"),
    }

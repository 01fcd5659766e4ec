"""What rules say. Each outcome names the stream time at which it came about in front of the camera.

That is earlier than the moment at which it is believed: a crossing is believed when the new side has been held, an
exit of somebody who vanished when the object ends. So outcomes are told in the order in which they are known, which
need not be that of their times.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Direction = Literal["in", "out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """The object crossed a line."""

    at_s: Fraction
    line: str
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """The object came into a zone."""

    at_s: Fraction
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwelled:
    """The object has been in a zone for the zone's dwell time."""

    at_s: Fraction
    zone: str
    dwell_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """The object left a zone after `dwell_s` in it."""

    at_s: Fraction
    zone: str
    dwell_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The object came into the last zone of a sequence, `duration_s` after it was last in the first."""

    at_s: Fraction
    sequence: str
    zones: tuple[str, ...]
    duration_s: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """The number of objects in a zone reached its threshold, or fell below it again."""

    at_s: Fraction
    zone: str
    count: int
    threshold: int
    state: Literal["above", "below"]


RuleOutcome = Crossed | Entered | Dwelled | Exited | Completed
"""What a rule says about one object."""

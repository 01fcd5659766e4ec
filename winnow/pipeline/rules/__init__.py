"""Lines, zones and sequences of zones: what the path of an object means."""

from winnow.pipeline.rules.outcomes import (
    Completed,
    Crossed,
    Direction,
    Dwelled,
    Entered,
    Exited,
    Occupied,
    RuleOutcome,
)
from winnow.pipeline.rules.rules import Rules
from winnow.pipeline.rules.sighting import Sighting

__all__ = [
    "Completed",
    "Crossed",
    "Direction",
    "Dwelled",
    "Entered",
    "Exited",
    "Occupied",
    "RuleOutcome",
    "Rules",
    "Sighting",
]

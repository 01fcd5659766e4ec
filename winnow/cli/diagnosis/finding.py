"""One line of a diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found out about one part of the box.

    Attributes:
        part: `camera door`, `broker`, `disk`, …
        status: `problem` keeps the box from working, `warning` will one day.
        said: what is so, in one line.
        advice: what to do; empty where all is well.
        facts: the figures, for programs.
    """

    part: str
    status: Status
    said: str
    advice: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def good(part: str, said: str, **facts: object) -> Finding:
    """Return that all is well."""
    return Finding(part=part, status="ok", said=said, facts=facts)


def warning(part: str, said: str, advice: str, **facts: object) -> Finding:
    """Return what works, and will not for ever."""
    return Finding(part=part, status="warning", said=said, advice=advice, facts=facts)


def problem(part: str, said: str, advice: str, **facts: object) -> Finding:
    """Return what does not work."""
    return Finding(part=part, status="problem", said=said, advice=advice, facts=facts)

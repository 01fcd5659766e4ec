"""What was drawn, as the page says it and as the settings file does.

The page knows four kinds of shape. What a shape's settings say beyond that (dwell, filters, hours, …) is kept under the
name that the shape had when the page was opened.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import yaml
from msgspec import Struct
from pydantic import ValidationError

from winnow.pipeline.settings import CameraSettings, LineSettings, Polygon, ZoneSettings

_DIGITS: Final = 4
"""Of a point's coordinates: a fifth of a pixel in a picture of 1920."""

_HEADING: Final = (
    "# zones, lines, motion.masks and thumbnails.masks of this camera; they take the place of the former ones"
)
_FIRST_KEYS: Final = "points labels direction"
_EMPTY: Final = 3
"""Lines of a text that has nothing below the camera's name."""

PlanPoint = tuple[float, float]


class DrawnZone(Struct, frozen=True, kw_only=True):
    """A zone; `origin` is its name in the settings that the page was opened with, empty if it is new."""

    name: str
    origin: str
    points: list[PlanPoint]
    labels: list[str]


class DrawnLine(Struct, frozen=True, kw_only=True):
    """A line."""

    name: str
    origin: str
    points: list[PlanPoint]
    labels: list[str]
    direction: str


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that was drawn for one camera.

    Attributes:
        motion_masks: areas in which motion is ignored.
        privacy_masks: areas that no image shows.
    """

    zones: list[DrawnZone]
    lines: list[DrawnLine]
    motion_masks: list[list[PlanPoint]]
    privacy_masks: list[list[PlanPoint]]


class PlanProblemsError(Exception):
    """What was drawn is no right settings.

    Attributes:
        problems: one line for each, with its key.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def plan_of(settings: CameraSettings) -> Plan:
    """Return what the settings place in the picture."""
    return Plan(
        zones=[
            DrawnZone(name=name, origin=name, points=list(zone.points), labels=list(zone.labels))
            for name, zone in settings.zones.items()
        ],
        lines=[
            DrawnLine(
                name=name, origin=name, points=list(line.points), labels=list(line.labels), direction=line.direction
            )
            for name, line in settings.lines.items()
        ],
        motion_masks=[list(mask) for mask in settings.motion.masks],
        privacy_masks=[list(mask) for mask in settings.thumbnails.masks],
    )


def settings_of(plan: Plan, before: CameraSettings) -> CameraSettings:
    """Return the camera's settings with what was drawn in the place of what they placed in the picture.

    Raises:
        PlanProblemsError: a name, a shape or a reference is wrong.
    """
    twice = _twice("zone", plan.zones) + _twice("line", plan.lines)
    if twice:
        raise PlanProblemsError(twice)
    document = before.model_dump(mode="json", exclude_unset=True)
    document["zones"] = {zone.name: _zone(zone, before.zones) for zone in plan.zones}
    document["lines"] = {line.name: _line(line, before.lines) for line in plan.lines}
    document["motion"] = {**document.get("motion", {}), "masks": [_rounded(mask) for mask in plan.motion_masks]}
    document["thumbnails"] = {
        **document.get("thumbnails", {}),
        "masks": [_rounded(mask) for mask in plan.privacy_masks],
    }
    try:
        return CameraSettings.model_validate(document)
    except ValidationError as exc:
        raise PlanProblemsError(
            [
                f"{'.'.join(str(part) for part in error['loc'])}: {error['msg'].removeprefix('Value error, ')}"
                for error in exc.errors(include_url=False, include_input=False, include_context=False)
            ]
        ) from exc


def yaml_of(camera: str, settings: CameraSettings) -> str:
    """Return the part of the settings file that places something in the camera's picture."""
    lines = [_HEADING, "cameras:", f"  {camera}:"]
    for section, rules in (("zones", settings.zones), ("lines", settings.lines)):
        if rules:
            lines.append(f"    {section}:")
        for name, rule in rules.items():
            lines.append(f"      {name}:")
            given = rule.model_dump(mode="json", exclude_unset=True)
            keys = sorted(given, key=lambda key: _FIRST_KEYS.find(key) % len(_FIRST_KEYS))
            lines += [f"        {key}: {_flow(given[key])}" for key in keys]
    masks: tuple[tuple[str, tuple[Polygon, ...]], ...] = (
        ("motion", settings.motion.masks),
        ("thumbnails", settings.thumbnails.masks),
    )
    for section, polygons in masks:
        if polygons:
            lines += [f"    {section}:", "      masks:"]
            lines += [f"        - {_flow([list(point) for point in polygon])}" for polygon in polygons]
    return "\n".join(lines) + "\n" if len(lines) > _EMPTY else f"{_HEADING}\n# none\n"


def _zone(zone: DrawnZone, before: Mapping[str, ZoneSettings]) -> dict[str, object]:
    kept = before[zone.origin].model_dump(mode="json", exclude_unset=True) if zone.origin in before else {}
    return _with_labels({**kept, "points": _rounded(zone.points)}, zone.labels)


def _line(line: DrawnLine, before: Mapping[str, LineSettings]) -> dict[str, object]:
    kept = before[line.origin].model_dump(mode="json", exclude_unset=True) if line.origin in before else {}
    drawn = {**kept, "points": _rounded(line.points), "direction": line.direction}
    if line.direction == "both":
        del drawn["direction"]
    return _with_labels(drawn, line.labels)


def _with_labels(rule: dict[str, object], labels: list[str]) -> dict[str, object]:
    rest = {key: value for key, value in rule.items() if key != "labels"}
    return {**rest, "labels": labels} if labels else rest


def _rounded(points: Iterable[PlanPoint]) -> list[list[float]]:
    return [[round(x, _DIGITS), round(y, _DIGITS)] for x, y in points]


def _twice(kind: str, shapes: Iterable[DrawnZone | DrawnLine]) -> list[str]:
    names = [shape.name for shape in shapes]
    return [f"{kind}s.{name}: two {kind}s have this name" for name in sorted({n for n in names if names.count(n) > 1})]


def _flow(value: object) -> str:
    """Return a value as YAML on one line."""
    return yaml.safe_dump([value], default_flow_style=True, width=10**6).strip()[1:-1]


def decode_plan(body: bytes) -> Plan:
    """Return what the page sent.

    Raises:
        PlanProblemsError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=Plan)
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise PlanProblemsError([f"not a plan: {exc}"]) from exc

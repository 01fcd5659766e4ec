"""What stands below the picture: each thing that is drawn, in words."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.drawing.canvas import INK, WHITE, Canvas, Colour
from winnow.pipeline.settings import (
    CameraSettings,
    FilterSettings,
    LineSettings,
    RuleSettings,
    ScheduleSettings,
    SequenceSettings,
    ZoneSettings,
)

_SPACING: Final = 1.9
"""Distance between two lines of text, in heights of a letter."""


def describe_zone(zone: ZoneSettings) -> str:
    """Return what a zone watches for."""
    parts = [_whom(zone)]
    if zone.dwell_s is not None:
        parts.append(f"dwell {zone.dwell_s:g} s")
    if zone.occupancy is not None:
        parts.append(f"occupancy from {zone.occupancy.threshold}")
    return "; ".join([*parts, *_limits(zone)])


def describe_line(line: LineSettings) -> str:
    """Return what a line counts."""
    directions = "in and out" if line.direction == "both" else f"only {line.direction}"
    return "; ".join([f"{_whom(line)}, {directions}", *_limits(line)])


def describe_sequence(sequence: SequenceSettings) -> str:
    """Return what a sequence asks for."""
    way = f"{' > '.join(sequence.zones)} within {sequence.within_s:g} s"
    return "; ".join([way, _whom(sequence), *_limits(sequence)])


def _whom(rule: RuleSettings) -> str:
    return ", ".join(rule.labels) if rule.labels else "every object"


def _limits(rule: RuleSettings) -> Iterator[str]:
    if rule.filter != FilterSettings():
        yield "filtered: " + ", ".join(
            f"{key} {value:g}" for key, value in rule.filter if key in rule.filter.model_fields_set
        )
    if rule.schedule is not None:
        yield _when(rule.schedule)


def _when(schedule: ScheduleSettings) -> str:
    hours = (
        f"{' '.join(one.days) or 'daily'} {one.start // 60:02}:{one.start % 60:02}-{one.end // 60:02}:{one.end % 60:02}"
        for one in schedule.hours
    )
    return f"{', '.join(hours)} {schedule.time_zone}"


def with_legend(canvas: Canvas, rows: Sequence[tuple[Colour, str]], settings: CameraSettings) -> NDArray[np.uint8]:
    """Return the picture with a line for each row below it, broken where it is too long."""
    height = canvas.text_size("Mg")[1]
    indent, step = 3 * height, round(_SPACING * height)
    lines: list[tuple[Colour | None, str]] = []
    for colour, text in rows or [(INK, _nothing(settings))]:
        first, *more = _broken(canvas, text, canvas.width - indent - height)
        lines += [(colour, first), *((None, one) for one in more)]
    panel = np.full((step * len(lines) + height, canvas.width, 3), WHITE, np.uint8)
    below = Canvas.on(panel, like=canvas)
    for index, (swatch, text) in enumerate(lines):
        base = height // 2 + step * index + (step + height) // 2
        if swatch is not None:
            panel[base - height : base + 2, height : 2 * height + 2] = INK
            panel[base - height + 1 : base + 1, height + 1 : 2 * height + 1] = swatch
        below.write(text, (indent, base), INK)
    return np.concatenate((canvas.pixels, panel))


def _nothing(settings: CameraSettings) -> str:
    return f"no zones, lines or masks; objects: {', '.join(settings.labels) or 'all'}"


def _broken(canvas: Canvas, text: str, width_px: int) -> list[str]:
    """Return the text in lines that fit, broken between words."""
    lines: list[str] = []
    for word in text.split():
        if lines and canvas.text_size(f"{lines[-1]} {word}")[0] <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines

"""The picture of a camera with its zones, lines, sequences and masks.

zone          a tinted area under its name
line          an arrow over it points where its objects are counted; `in` and `out` stand on their sides
sequence      an interrupted arrow from zone to zone
motion mask   striped: motion in it is ignored
privacy mask  crossed and dark: no image that leaves the box shows it
"""

from itertools import cycle, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.drawing.canvas import Canvas, Colour, Spot
from winnow.pipeline.drawing.legend import describe_line, describe_sequence, describe_zone, with_legend
from winnow.pipeline.settings import CameraSettings, LineSettings, SequenceSettings

ZONES: Final[tuple[Colour, ...]] = ((96, 196, 64), (232, 168, 48), (190, 96, 216), (64, 208, 232), (180, 196, 40))
LINE: Final[Colour] = (40, 132, 255)
NOT_COUNTED: Final[Colour] = (130, 130, 130)
SEQUENCE: Final[Colour] = (236, 236, 236)
MOTION_MASK: Final[Colour] = (150, 150, 150)
PRIVACY_MASK: Final[Colour] = (60, 40, 150)
_TINT: Final = 0.28
_ARROW_SHARE: Final = 0.07
"""Length of a line's arrow as a share of the picture's shorter side."""

Row = tuple[Colour, str]


def draw_settings(bgr: NDArray[np.uint8], settings: CameraSettings) -> NDArray[np.uint8]:
    """Return a copy of the frame with everything that the camera's settings place on it, and a legend below.

    A small frame is enlarged by a whole number, so that names can be read.

    Args:
        bgr: uint8 (height, width, 3).
        settings: the camera's.
    """
    canvas = Canvas(bgr)
    rows = _draw_masks(canvas, settings)
    middles, zone_rows = _draw_zones(canvas, settings)
    sequence_rows = [_draw_sequence(canvas, name, one, middles) for name, one in settings.sequences.items()]
    line_rows = [_draw_line(canvas, name, line) for name, line in settings.lines.items()]
    return with_legend(canvas, [*zone_rows, *line_rows, *sequence_rows, *rows], settings)


def _draw_masks(canvas: Canvas, settings: CameraSettings) -> list[Row]:
    rows: list[Row] = []
    for index, mask in enumerate(settings.motion.masks):
        corners = canvas.spots(mask)
        canvas.hatch(corners, MOTION_MASK, crossed=False)
        canvas.outline(corners, MOTION_MASK)
        canvas.tag(f"motion mask {index + 1}", canvas.deepest(corners), MOTION_MASK)
        rows.append((MOTION_MASK, f"motion mask {index + 1}: motion is ignored"))
    for index, mask in enumerate(settings.thumbnails.masks):
        corners = canvas.spots(mask)
        canvas.tint(corners, PRIVACY_MASK, 0.6)
        canvas.hatch(corners, PRIVACY_MASK, crossed=True)
        canvas.outline(corners, PRIVACY_MASK)
        canvas.tag(f"privacy mask {index + 1}", canvas.deepest(corners), PRIVACY_MASK)
        rows.append((PRIVACY_MASK, f"privacy mask {index + 1}: no image that leaves the box shows it"))
    return rows


def _draw_zones(canvas: Canvas, settings: CameraSettings) -> tuple[dict[str, Spot], list[Row]]:
    """Return the middle of each zone, and the legend's rows."""
    rows: list[Row] = []
    middles: dict[str, Spot] = {}
    coloured = list(zip(settings.zones.items(), cycle(ZONES), strict=False))
    for (name, zone), colour in coloured:
        corners = canvas.spots(zone.points)
        canvas.tint(corners, colour, _TINT)
        middles[name] = canvas.deepest(corners)
    for (name, zone), colour in coloured:
        canvas.outline(canvas.spots(zone.points), colour)
        canvas.tag(name, middles[name], colour)
        rows.append((colour, f"zone {name}: {describe_zone(zone)}"))
    return middles, rows


def _draw_line(canvas: Canvas, name: str, line: LineSettings) -> Row:
    first, last = canvas.spots(line.points)
    along = (last - first) / max(1.0, float(np.linalg.norm(last - first)))
    inwards = np.array((-along[1], along[0]))  # right of the line, as the picture's y axis points down
    middle, reach = (first + last) / 2, _ARROW_SHARE * min(canvas.width, canvas.height)
    canvas.stroke(first, last, LINE)
    for ways, pointing in ((("both", "in"), inwards), (("both", "out"), -inwards)):
        if line.direction in ways:
            canvas.stroke(middle, middle + pointing * reach, LINE)
            canvas.arrow_head(middle + pointing * reach * 1.3, pointing, LINE)
    for word, pointing in (("in", inwards), ("out", -inwards)):
        canvas.tag(word, middle + pointing * reach * 2, LINE if line.direction in ("both", word) else NOT_COUNTED)
    canvas.dot(first, LINE)
    canvas.tag(name, first, LINE)
    return LINE, f"line {name}: {describe_line(line)}"


def _draw_sequence(canvas: Canvas, name: str, sequence: SequenceSettings, middles: dict[str, Spot]) -> Row:
    below = np.array((0.0, 2.2 * canvas.text_size("Mg")[1]))  # beside the zones' names
    stops = [middles[zone] + below for zone in sequence.zones]
    for start, end in pairwise(stops):
        along = (end - start) / max(1.0, float(np.linalg.norm(end - start)))
        canvas.dashes(start, end, SEQUENCE)
        canvas.arrow_head(end, along, SEQUENCE)
    canvas.dot(stops[0], SEQUENCE)
    canvas.tag(name, (stops[0] + stops[1]) / 2, SEQUENCE)
    return SEQUENCE, f"sequence {name}: {describe_sequence(sequence)}"

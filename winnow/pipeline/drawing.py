"""Draws a camera's zones, lines and masks on one of its frames, for the person who sets them up."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.settings import CameraSettings, LineSettings, Point

_ZONE: Final = (80, 200, 80)
_LINE: Final = (60, 140, 255)
_MASK: Final = (90, 90, 90)
_TEXT: Final = (255, 255, 255)
_ARROW_SHARE: Final = 0.06
"""Length of the `in` arrow as a share of the frame's diagonal."""
_TINT: Final = 0.25
"""How much of a zone's colour covers the picture."""


def draw_settings(bgr: NDArray[np.uint8], settings: CameraSettings) -> NDArray[np.uint8]:
    """Return a copy of the frame with everything that the camera's settings place on it.

    Args:
        bgr: uint8 (height, width, 3).
        settings: zones are green, lines orange with an arrow that points `in`, masks grey.
    """
    canvas = bgr.copy()
    for mask in (*settings.motion.masks, *settings.thumbnails.masks):
        _fill(canvas, mask, _MASK, share=0.8)
    for name, zone in settings.zones.items():
        _fill(canvas, zone.points, _ZONE, share=_TINT)
        corners = _pixels(canvas, zone.points)
        cv2.polylines(canvas, [corners], isClosed=True, color=_ZONE, thickness=2, lineType=cv2.LINE_AA)
        _label(canvas, name, corners.mean(axis=0))
    for name, line in settings.lines.items():
        _draw_line(canvas, name, line)
    return canvas


def _pixels(canvas: NDArray[np.uint8], points: tuple[Point, ...]) -> NDArray[np.int32]:
    height, width = canvas.shape[:2]
    corners = np.array(points, np.float64) * np.array((width - 1, height - 1), np.float64)
    return np.rint(corners).astype(np.int32)


def _fill(canvas: NDArray[np.uint8], points: tuple[Point, ...], colour: tuple[int, int, int], share: float) -> None:
    tinted = canvas.copy()
    cv2.fillPoly(tinted, [_pixels(canvas, points)], colour)
    cv2.addWeighted(tinted, share, canvas, 1 - share, 0, dst=canvas)


def _draw_line(canvas: NDArray[np.uint8], name: str, line: LineSettings) -> None:
    first, last = _pixels(canvas, line.points).astype(np.float64)
    along = (last - first) / max(1.0, float(np.linalg.norm(last - first)))
    to_the_right = np.array((-along[1], along[0]))  # the picture's y axis points down
    middle = (first + last) / 2
    tip = middle + to_the_right * _ARROW_SHARE * np.hypot(*canvas.shape[:2])
    cv2.line(canvas, _corner(first), _corner(last), _LINE, thickness=2, lineType=cv2.LINE_AA)
    cv2.arrowedLine(canvas, _corner(middle), _corner(tip), _LINE, thickness=2, line_type=cv2.LINE_AA, tipLength=0.3)
    _label(canvas, f"{name}: in", tip)


def _corner(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _label(canvas: NDArray[np.uint8], text: str, at: NDArray[np.float64]) -> None:
    x, y = _corner(at)
    for colour, thickness in (((0, 0, 0), 3), (_TEXT, 1)):
        cv2.putText(canvas, text, (x + 4, y - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, thickness, cv2.LINE_AA)

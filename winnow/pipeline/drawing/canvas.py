"""A picture to draw on, in 0..1 of its size, with strokes and letters that are as large as its size asks for."""

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.settings import Point

Colour = tuple[int, int, int]
"""Blue, green, red."""

Spot = NDArray[np.float64]
"""x and y in pixels of the canvas."""

INK: Final[Colour] = (28, 26, 24)
WHITE: Final[Colour] = (255, 255, 255)
FONT: Final = cv2.FONT_HERSHEY_DUPLEX

LEAST_WIDTH_PX: Final = 960
"""Names are not readable on a smaller picture; smaller frames are enlarged."""

_LETTER_SHARE: Final = 1 / 44
"""Height of a letter as a share of the picture's shorter side, within limits."""


class Canvas:
    """A copy of a frame, enlarged if it is small.

    Args:
        bgr: uint8 (height, width, 3).

    Attributes:
        pixels: what was drawn so far.
        unit: width of a thin stroke, pixels.
        letter_scale: size of letters, as OpenCV counts it.
    """

    def __init__(self, bgr: NDArray[np.uint8]) -> None:
        height, width = bgr.shape[:2]
        enlarged = max(1, math.ceil(LEAST_WIDTH_PX / width))
        self.pixels = np.asarray(
            cv2.resize(bgr, (width * enlarged, height * enlarged), interpolation=cv2.INTER_CUBIC)
            if enlarged > 1
            else bgr.copy(),
            np.uint8,
        )
        self.height, self.width = self.pixels.shape[:2]
        letter_px = min(max(min(self.height, self.width) * _LETTER_SHARE, 13.0), 34.0)
        self.letter_scale = letter_px / 21
        self.unit = max(1, round(letter_px / 9))

    @classmethod
    def on(cls, pixels: NDArray[np.uint8], *, like: "Canvas") -> "Canvas":
        """Return a canvas that draws on `pixels` themselves, with strokes and letters as on another."""
        canvas = cls.__new__(cls)
        canvas.pixels, canvas.unit, canvas.letter_scale = pixels, like.unit, like.letter_scale
        canvas.height, canvas.width = pixels.shape[:2]
        return canvas

    def spots(self, points: Sequence[Point]) -> list[Spot]:
        """Return where points of the frame are on the canvas."""
        return [np.array((x * (self.width - 1), y * (self.height - 1)), np.float64) for x, y in points]

    def tint(self, corners: Sequence[Spot], colour: Colour, share: float) -> None:
        """Cover a polygon with a colour, as far as `share` says."""
        inside = self._inside(corners)
        self.pixels[inside] = np.rint(self.pixels[inside] * (1 - share) + np.array(colour) * share).astype(np.uint8)

    def hatch(self, corners: Sequence[Spot], colour: Colour, *, crossed: bool) -> None:
        """Cover a polygon with slanted stripes, in one direction or, crossed, in both."""
        rows, columns = np.indices((self.height, self.width))
        step = 7 * self.unit
        stripes = (rows + columns) % step < 1.6 * self.unit
        if crossed:
            stripes |= (rows - columns) % step < 1.6 * self.unit
        self.pixels[self._inside(corners) & stripes] = colour

    def outline(self, corners: Sequence[Spot], colour: Colour) -> None:
        """Draw the border of a polygon, dark beside bright."""
        for stroke, thickness in ((INK, 2 * self.unit + 2), (colour, self.unit)):
            cv2.polylines(self.pixels, [_pixels(corners)], True, stroke, thickness, cv2.LINE_AA)  # noqa: FBT003 - closed

    def stroke(self, start: Spot, end: Spot, colour: Colour, *, thick: float = 1.5) -> None:
        """Draw a straight line, dark beside bright."""
        thickness = round(thick * self.unit)
        for paint, width in ((INK, thickness + self.unit + 2), (colour, thickness)):
            cv2.line(self.pixels, _pixel(start), _pixel(end), paint, width, cv2.LINE_AA)

    def dashes(self, start: Spot, end: Spot, colour: Colour) -> None:
        """Draw an interrupted straight line."""
        length = float(np.linalg.norm(end - start))
        pieces = max(1, round(length / (9 * self.unit)))
        for piece in range(pieces):
            first, last = start + (end - start) * (piece / pieces), start + (end - start) * ((piece + 0.6) / pieces)
            self.stroke(first, last, colour, thick=1.2)

    def arrow_head(self, tip: Spot, along: Spot, colour: Colour) -> None:
        """Draw the head of an arrow that ends at `tip` and comes along the unit vector `along`."""
        across = np.array((-along[1], along[0]))
        size = 9 * self.unit
        corners = [tip, tip - along * size + across * size * 0.62, tip - along * size - across * size * 0.62]
        cv2.fillPoly(self.pixels, [_pixels(corners)], colour, cv2.LINE_AA)
        cv2.polylines(self.pixels, [_pixels(corners)], True, INK, max(1, self.unit // 2), cv2.LINE_AA)  # noqa: FBT003

    def dot(self, spot: Spot, colour: Colour) -> None:
        """Draw a round mark."""
        cv2.circle(self.pixels, _pixel(spot), 2 * self.unit + 1, INK, cv2.FILLED, cv2.LINE_AA)
        cv2.circle(self.pixels, _pixel(spot), 2 * self.unit - 1, colour, cv2.FILLED, cv2.LINE_AA)

    def tag(self, text: str, spot: Spot, colour: Colour) -> None:
        """Write on a coloured plate around a spot, moved as far as it must be to lie in the picture."""
        width, height = self.text_size(text)
        pad = 2 * self.unit + 1
        left = min(max(float(spot[0]) - width / 2 - pad, 0), max(self.width - width - 2 * pad, 0))
        top = min(max(float(spot[1]) - height / 2 - pad, 0), max(self.height - height - 2 * pad, 0))
        corner, far = (round(left), round(top)), (round(left) + width + 2 * pad, round(top) + height + 2 * pad)
        cv2.rectangle(self.pixels, corner, far, colour, cv2.FILLED)
        cv2.rectangle(self.pixels, corner, far, INK, max(1, self.unit // 2), cv2.LINE_AA)
        self.write(text, (corner[0] + pad, corner[1] + pad + height), _readable_on(colour))

    def write(self, text: str, at: tuple[int, int], colour: Colour) -> None:
        """Write from a point at the lower left on."""
        cv2.putText(self.pixels, text, at, FONT, self.letter_scale, colour, max(1, self.unit // 2), cv2.LINE_AA)

    def text_size(self, text: str) -> tuple[int, int]:
        """Return width and height of a text in pixels, without what hangs below its line."""
        (width, height), _ = cv2.getTextSize(text, FONT, self.letter_scale, max(1, self.unit // 2))
        return int(width), int(height)

    def deepest(self, corners: Sequence[Spot]) -> Spot:
        """Return the spot inside a polygon that is farthest from its border and the picture's edge."""
        inside = np.zeros((self.height + 2, self.width + 2), np.uint8)
        cv2.fillPoly(inside, [_pixels(corners) + 1], 1)
        inside[[0, -1]], inside[:, [0, -1]] = 0, 0
        _, _, _, (x, y) = cv2.minMaxLoc(cv2.distanceTransform(inside, cv2.DIST_L2, 5))
        return np.array((x - 1, y - 1), np.float64)

    def _inside(self, corners: Sequence[Spot]) -> NDArray[np.bool_]:
        inside = np.zeros((self.height, self.width), np.uint8)
        cv2.fillPoly(inside, [_pixels(corners)], 1)
        return inside.astype(np.bool_)


def _pixels(spots: Sequence[Spot]) -> NDArray[np.int32]:
    return np.rint(np.array(spots)).astype(np.int32)


def _pixel(spot: Spot) -> tuple[int, int]:
    return round(float(spot[0])), round(float(spot[1]))


def _readable_on(colour: Colour) -> Colour:
    """Return black or white, by the luma of ITU-R BT.601."""
    blue, green, red = colour
    return INK if 0.114 * blue + 0.587 * green + 0.299 * red > 140 else WHITE  # noqa: PLR2004 - a little above the middle

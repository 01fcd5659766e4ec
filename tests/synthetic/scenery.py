"""A street that is drawn: sky, houses, trees, a fence, a road, and somebody who walks along it.

Everything is brightness alone, in grey levels of video (16 black … 235 white). The street is wider and higher than what
a camera sees of it, so that a camera can be turned.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""Grey levels, (height, width)."""

BLACK: Final = 16
WHITE: Final = 235
ROOM: Final = 0.25
"""How much wider and higher than the camera's picture the street is on each side, as a share of the picture's size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """The whole street.

    Attributes:
        pixels: grey levels by day.
        tree: 0..1, how much of each pixel is leaves.
        size: width and height of the camera's picture.
    """

    pixels: Picture
    tree: Picture
    size: tuple[int, int]

    def seen(self, layer: Picture, turned: tuple[float, float] = (0, 0)) -> Picture:
        """Return what the camera sees of a layer when it is turned by a share of its width and height."""
        width, height = self.size
        left, top = round((ROOM + turned[0]) * width), round((ROOM + turned[1]) * height)
        return layer[top : top + height, left : left + width]


def texture(random: np.random.Generator, height: int, width: int, *, octaves: tuple[tuple[int, float], ...]) -> Picture:
    """Return smooth noise around 0: for each octave, patches of so many pixels with such a standard deviation."""
    total = np.zeros((height, width), np.float32)
    for patch, deviation in octaves:
        coarse = random.normal(0, deviation, (height // patch + 3, width // patch + 3)).astype(np.float32)
        smooth = cv2.resize(coarse, (coarse.shape[1] * patch, coarse.shape[0] * patch), interpolation=cv2.INTER_LINEAR)
        total += smooth[:height, :width]
    return total


def draw_street(width: int, height: int) -> Street:
    """Return a street for a camera with pictures of this size."""
    random = np.random.default_rng(11)
    whole_width, whole_height = round(width * (1 + 2 * ROOM)), round(height * (1 + 2 * ROOM))
    rows = np.linspace(0, 1, whole_height, dtype=np.float32)[:, None]
    pixels = np.broadcast_to(205 - 60 * rows, (whole_height, whole_width)).astype(np.float32)
    _draw_houses(pixels, random)
    ground = rows > 0.52
    asphalt = 105 + texture(random, whole_height, whole_width, octaves=((1, 4), (4, 5), (24, 7)))
    pixels = np.where(ground, asphalt, pixels + texture(random, whole_height, whole_width, octaves=((2, 3), (16, 4))))
    _draw_fence_and_marks(pixels)
    tree = _tree(random, whole_height, whole_width)
    leaves = 75 + texture(random, whole_height, whole_width, octaves=((2, 16), (6, 14), (16, 8)))
    pixels = (pixels * (1 - tree) + leaves * tree).clip(BLACK + 8, WHITE - 6).astype(np.float32)
    return Street(pixels=pixels, tree=tree, size=(width, height))


def _draw_houses(pixels: Picture, random: np.random.Generator) -> None:
    height, width = pixels.shape
    left = 0
    while left < width:
        right = left + int(width * random.uniform(0.09, 0.17))
        top = int(height * random.uniform(0.12, 0.28))
        bottom = int(height * 0.52)
        wall = float(random.uniform(95, 175))
        pixels[top:bottom, left:right] = wall
        step_x, step_y = max(6, (right - left) // 4), max(6, height // 14)
        for y in range(top + step_y // 3, bottom - step_y // 2, step_y):
            for x in range(left + step_x // 4, right - step_x // 2, step_x):
                shade = float(random.uniform(30, 75))
                pixels[y : y + step_y // 2, x : x + step_x // 2] = shade
        left = right + int(width * random.uniform(0.0, 0.03))


def _draw_fence_and_marks(pixels: Picture) -> None:
    height, width = pixels.shape
    fence_top, fence_bottom = int(height * 0.49), int(height * 0.535)
    for x in range(0, width, max(4, width // 110)):
        pixels[fence_top:fence_bottom, x : x + max(1, width // 400)] = 60
    for y, thick in ((0.585, 0.006), (0.80, 0.008)):
        pixels[int(height * y) : int(height * (y + thick)) + 1] = 165
    mark_y = int(height * 0.69)
    for x in range(0, width, max(8, width // 16)):
        pixels[mark_y : mark_y + max(1, height // 90), x : x + max(4, width // 32)] = 195


def _tree(random: np.random.Generator, height: int, width: int) -> Picture:
    """Return how much of each pixel is crown or trunk: one big tree on the right of the picture."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rough = texture(random, height, width, octaves=((3, 0.10), (10, 0.16), (30, 0.12)))
    reach = np.hypot((x / width - 0.66) / 0.075, (y / height - 0.34) / 0.15)
    crown = np.clip((1.0 - reach + rough) * 5, 0, 1)
    trunk = (np.abs(x / width - 0.66) < 0.006) & (y / height > 0.34) & (y / height < 0.55)
    return np.asarray(np.maximum(crown, trunk), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Somebody who walks along the pavement from left to right at 1.4 m/s, 1.75 m tall.

    Attributes:
        height: share of the picture's height: 60 pixels of 1080 are 0.0556.
        starts_s: when the walk begins.
        ends_s: when the walker is gone.
        from_x: share of the picture's width where the walk begins.
        ground_y: share of the picture's height on which the feet are.
        shade: how much darker (or, above 0, brighter) than the ground the clothes are, in grey levels by day.
    """

    height: float = 60 / 1080
    starts_s: float
    ends_s: float
    from_x: float = 0.12
    ground_y: float = 0.60
    shade: float = -45

    def box(self, at_s: float, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Return x1, y1, x2, y2 in pixels, or None while nobody is there."""
        if not self.starts_s <= at_s < self.ends_s:
            return None
        width, height = size
        tall = self.height * height
        middle = self.from_x * width + (at_s - self.starts_s) * 1.4 / 1.75 * tall
        bottom = self.ground_y * height
        return middle - 0.17 * tall, bottom - tall, middle + 0.17 * tall, bottom

    def drawn(self, picture: Picture, at_s: float) -> Picture:
        """Return the picture with the walker in it: head, trunk, arms, two legs that swing."""
        height, width = picture.shape
        box = self.box(at_s, (width, height))
        if box is None:
            return picture
        x1, y1, x2, y2 = box
        tall, middle = y2 - y1, (x1 + x2) / 2
        swing = 0.13 * tall * np.sin(2 * np.pi * 0.95 * at_s)
        shape = np.zeros((height, width), np.uint8)
        hip = (middle, y1 + 0.55 * tall)
        _line(shape, hip, (middle + swing, y2), 0.09 * tall)
        _line(shape, hip, (middle - swing, y2), 0.09 * tall)
        _line(shape, (middle, y1 + 0.22 * tall), (middle, y1 + 0.55 * tall), 0.22 * tall)
        cv2.circle(shape, _fixed((middle, y1 + 0.08 * tall)), round(0.07 * tall * 16), 255, -1, cv2.LINE_AA, 4)
        cover = shape.astype(np.float32) * (1 / 255)
        rows = np.linspace(1.2, 0.8, max(1, round(tall)), dtype=np.float32)
        clothes = picture.copy()
        top = max(0, round(y1))
        part = clothes[top : top + len(rows)]
        part += self.shade * rows[: len(part), None]
        return np.asarray(picture * (1 - cover) + clothes * cover, np.float32)


def _fixed(point: tuple[float, float]) -> tuple[int, int]:
    """Return a point in sixteenths of a pixel."""
    return round(point[0] * 16), round(point[1] * 16)


def _line(shape: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float], thick: float) -> None:
    cv2.line(shape, _fixed(start), _fixed(end), 255, max(1, round(thick)), cv2.LINE_AA, 4)

"""What lies between a scene and the camera's picture of it: light, noise, rain, wind, and the camera's own faults.

Each is a function of the picture and the time, so that they can be put one behind the other.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from tests.synthetic.scenery import BLACK, WHITE, Picture, Street, texture

Effect = Callable[[Picture, float], Picture]
"""The picture as it is then, and the time in seconds → a new picture."""


def noise(deviation: float, *, seed: int = 5) -> Effect:
    """Sensor noise, new in every picture: normally distributed with this deviation, in grey levels."""
    random = np.random.default_rng(seed)
    tiles: list[Picture] = []

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - noise does not depend on time
        if not tiles:
            tiles.extend(random.normal(0, deviation, picture.shape).astype(np.float32) for _ in range(5))
        tile = tiles[int(random.integers(len(tiles)))]
        shift = random.integers(0, picture.shape[0]), random.integers(0, picture.shape[1])
        return picture + np.roll(tile, shift, (0, 1))

    return effect


def lamp(changes: dict[float, float]) -> Effect:
    """The light's strength from each time on; 1 is day. What is bright changes by more levels than what is dark."""

    def effect(picture: Picture, at_s: float) -> Picture:
        strength = 1.0
        for since_s, now in changes.items():
            strength = now if at_s >= since_s else strength
        return BLACK + (picture - BLACK) * strength

    return effect


def dusk(starts_s: float, ends_s: float, *, night: float) -> Effect:
    """Light that falls evenly from 1 to `night`, with noise that grows as the camera turns up its gain."""
    grain = noise(1.0, seed=9)

    def effect(picture: Picture, at_s: float) -> Picture:
        done = float(np.clip((at_s - starts_s) / (ends_s - starts_s), 0, 1))
        dimmed = BLACK + (picture - BLACK) * (1 + (night - 1) * done)
        return dimmed + (grain(np.zeros_like(picture), at_s)) * (1 + 4 * done)

    return effect


def infrared(at: float, street: Street) -> Effect:
    """The camera switches to infrared: leaves turn bright, the corners dark, the far houses dim, the noise doubles."""
    width, height = street.size
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    cone = (0.30 + 0.75 * np.exp(-(x**2 + (y - 0.2) ** 2) / 0.9)).astype(np.float32)
    grain = noise(5.0, seed=13)

    def effect(picture: Picture, at_s: float) -> Picture:
        if at_s < at:
            return picture
        leaves = street.seen(street.tree)
        lit = BLACK + (picture - BLACK) * cone * 0.8 + leaves * 80 * cone
        return grain(np.asarray(lit, np.float32), at_s)

    return effect


def flicker(depth: float, *, hertz: float = 1.7) -> Effect:
    """Lamps on alternating current beat with the shutter: the light swings by ± `depth`, and a band runs through it."""

    def effect(picture: Picture, at_s: float) -> Picture:
        rows = np.linspace(0, 2 * np.pi, picture.shape[0], dtype=np.float32)[:, None]
        swing = np.sin(2 * np.pi * hertz * at_s) + 0.4 * np.sin(rows + 2 * np.pi * hertz * at_s)
        return np.asarray(BLACK + (picture - BLACK) * (1 + depth * swing), np.float32)

    return effect


def rain(drops: int, *, seed: int = 3) -> Effect:
    """So many streaks in each picture, each somewhere else: one or two pixels wide, bright, nearly upright."""
    random = np.random.default_rng(seed)

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - each picture has its own drops
        height, width = picture.shape
        sky = np.zeros((height, width), np.uint8)
        for _ in range(drops):
            x, y = int(random.integers(width)), int(random.integers(-20, height))
            length, light = int(random.integers(8, height // 9)), int(random.integers(15, 55))
            cv2.line(sky, (x, y), (x + length // 6, y + length), light, int(random.integers(1, 3)), cv2.LINE_AA)
        return picture * 0.96 + sky.astype(np.float32)

    return effect


def wind(street: Street, *, reach: float = 0.008) -> Effect:
    """The tree sways by up to `reach` of the picture's width, in gusts, each branch with a lag of its own."""
    width, height = street.size
    leaves = street.seen(street.tree)
    lag = texture(np.random.default_rng(21), height, width, octaves=((18, 1.2), (60, 1.0)))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)

    def effect(picture: Picture, at_s: float) -> Picture:
        gust = 0.45 + 0.55 * np.sin(2 * np.pi * at_s / 7.0) ** 2
        sway = reach * width * gust * np.sin(2 * np.pi * 0.6 * at_s + lag) * leaves
        moved = cv2.remap(picture, x + sway.astype(np.float32), y + 0.3 * sway.astype(np.float32), cv2.INTER_LINEAR)
        return np.asarray(moved, np.float32)

    return effect


def from_time(since_s: float, then: Effect, until_s: float = float("inf")) -> Effect:
    """Nothing, and `then` from one time to another."""
    return lambda picture, at_s: then(picture, at_s) if since_s <= at_s < until_s else picture


def uniform(level: float) -> Effect:
    """One grey level everywhere: a dead sensor, a lens cap, the sun."""
    return lambda picture, at_s: np.full_like(picture, level)  # noqa: ARG005 - always the same


def cloth(*, seed: int = 17) -> Effect:
    """A cloth hangs over the lens, far too close to be sharp: folds, and light that shines through."""
    random = np.random.default_rng(seed)
    kept: list[Picture] = []

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - it hangs still
        if not kept:
            height, width = picture.shape
            folds = texture(random, height, width, octaves=((height // 3, 22), (height // 6, 9)))
            kept.append(cv2.GaussianBlur(85 + folds, (0, 0), height / 22).astype(np.float32))
        return kept[0]

    return effect


def defocused(deviation: float) -> Effect:
    """Blurred by a disc; `deviation` is a share of the picture's height."""

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - it stays so
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), deviation * picture.shape[0]), np.float32)

    return effect


def to_luma(picture: Picture) -> Picture:
    """Return the picture within the levels of video."""
    return np.clip(picture, BLACK, WHITE)


SILENCE: Final[Effect] = lambda picture, at_s: picture  # noqa: E731, ARG005 - the effect of no effect

"""A scene in which every region has a pattern of its own, fine enough that what was averaged away is gone.

Two people (red) and a van (blue) cross a grey wall. The colour is for the detector of the drawn clips. The pattern,
cells of two pixels that are light or dark, is for whoever looks for a leak: it goes along with the person, so that a
patch of a head is the same in every frame.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.sources import Frame

WIDTH: Final = 640
HEIGHT: Final = 480
FPS: Final = 5
SECONDS: Final = 12
CELL_PX: Final = 2
CONTRAST: Final = 80
PERSON: Final = (48, 96)
VAN: Final = (120, 60)
HEAD_PX: Final = 32
"""Height of the part of a person that is a head for the redaction: 0.7 of the width, less what a loose box may cost."""

MASK: Final = ((0.4, 0.0), (0.6, 0.0), (0.6, 1.0), (0.4, 1.0))
"""In the middle of the wall: everybody walks through it."""

_NOON: Final = datetime(2026, 5, 1, 12, tzinfo=UTC)


def pattern(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Return cells of 0 or `CONTRAST` (height, width)."""
    shape = (-(-height // CELL_PX), -(-width // CELL_PX))
    cells = np.random.default_rng(seed).integers(0, 2, shape, np.uint8) * np.uint8(CONTRAST)
    return np.repeat(np.repeat(cells, CELL_PX, axis=0), CELL_PX, axis=1)[:height, :width]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """Somebody or something that crosses the scene.

    Attributes:
        seed: of its pattern.
        size: width and height in pixels.
        bgr: its darkest colour.
        y: its top.
        start: its left edge in the first frame.
        step: pixels a frame.
    """

    seed: int
    size: tuple[int, int]
    bgr: tuple[int, int, int]
    y: int
    start: int
    step: int

    def pixels(self) -> NDArray[np.uint8]:
        """Return what it looks like (height, width, 3)."""
        shade = pattern(self.seed, *self.size)
        return shade[..., None] + np.array(self.bgr, np.uint8)


PEOPLE: Final = (
    Walker(seed=1, size=PERSON, bgr=(20, 20, 150), y=150, start=20, step=9),
    Walker(seed=2, size=PERSON, bgr=(20, 20, 150), y=160, start=86, step=9),
)
THE_VAN: Final = Walker(seed=3, size=VAN, bgr=(150, 20, 20), y=280, start=30, step=9)
WALL_SEED: Final = 4


def wall() -> NDArray[np.uint8]:
    """Return the grey background (height, width)."""
    return pattern(WALL_SEED, WIDTH, HEIGHT) + np.uint8(70)


def picture(index: int) -> NDArray[np.uint8]:
    """Return one frame; after the last step the scene is empty."""
    pixels = np.stack([wall()] * 3, axis=2)
    for walker in (*PEOPLE, THE_VAN):
        x = walker.start + walker.step * index
        width, height = walker.size
        if x + width < WIDTH - 2:
            pixels[walker.y : walker.y + height, x : x + width] = walker.pixels()
    return pixels


def frames() -> Iterator[Frame]:
    """Return the whole footage."""
    for index in range(FPS * SECONDS):
        yield Frame.from_bgr(picture(index), index=index, frame_rate=FPS, starts_at=_NOON)

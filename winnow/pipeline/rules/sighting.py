"""One sighting of an object, and what its last ones have in common."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from statistics import median
from typing import Final

from winnow.pipeline.rules.geometry import PixelPoint
from winnow.pipeline.rules.memories import swap_values
from winnow.pipeline.settings import Anchor, FilterSettings

LOOKS_KEPT: Final = 5
"""A median of five is not moved by two boxes that are cut short or grown by a shadow."""

_NO_FILTER: Final = FilterSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where and how an object was seen.

    Attributes:
        at_s: stream time.
        box: x1, y1, x2, y2, pixels.
        score: 0..1.
    """

    at_s: Fraction
    box: tuple[float, float, float, float]
    score: float

    def anchor(self, kind: Anchor) -> PixelPoint:
        """Return a point in the middle of the box's width: on the ground, in the middle or on top."""
        x1, y1, x2, y2 = self.box
        y = y2 if kind == "bottom" else y1 if kind == "top" else (y1 + y2) / 2
        return (x1 + x2) / 2, y


class Looks:
    """How objects looked lately.

    Args:
        frame_size: width and height in pixels.
    """

    def __init__(self, frame_size: tuple[int, int]) -> None:
        self._frame_px = frame_size[0] * frame_size[1]
        self._seen: dict[int, deque[Sighting]] = {}

    def note(self, track: int, sighting: Sighting) -> None:
        """Take in the newest sighting."""
        self._seen.setdefault(track, deque(maxlen=LOOKS_KEPT)).append(sighting)

    def passes(self, track: int, wanted: FilterSettings) -> bool:
        """Return whether the medians of the object's last sightings lie within the filter's bounds."""
        if wanted == _NO_FILTER:
            return True
        seen = self._seen.get(track, ())
        sizes = [_size(sighting) for sighting in seen]
        return (
            _typical(sighting.score for sighting in seen) >= wanted.min_score
            and wanted.min_area <= _typical(w * h / self._frame_px for w, h in sizes) <= wanted.max_area
            and wanted.min_aspect <= _typical(w / h for w, h in sizes) <= wanted.max_aspect
        )

    def swap(self, track: int, other: int) -> None:
        """Take what is known of one object for what is known of the other."""
        swap_values(self._seen, track, other)

    def forget(self, track: int) -> None:
        """Keep nothing of an object that ended."""
        self._seen.pop(track, None)


def _size(sighting: Sighting) -> tuple[float, float]:
    """Return width and height, at least a pixel each."""
    x1, y1, x2, y2 = sighting.box
    return max(x2 - x1, 1.0), max(y2 - y1, 1.0)


def _typical(values: Iterable[float]) -> float:
    found = list(values)
    return median(found) if found else 0.0

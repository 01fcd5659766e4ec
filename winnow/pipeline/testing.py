"""Fakes for tests of the pipeline: a detector that sees the boxes of the synthetic clips."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import ModelCard
from winnow.detectors.detections import Detections
from winnow.detectors.images import check_image
from winnow.detectors.testing import fake_card

Colour = Literal["red", "green", "blue"]

_CHANNELS: Final[Mapping[Colour, int]] = {"blue": 0, "green": 1, "red": 2}

MIN_LEAD: Final = 60
"""By how many levels a channel must lead both others. Grey ground leads by nothing; compression adds less than 30."""

MIN_AREA_PX: Final = 64
"""Smaller patches of colour are fringes that compression leaves at the edge of a box."""


class ColourBoxDetector:
    """Finds areas of pure red, green or blue, one object for each connected area.

    Where two areas of one colour touch, one object is found; where one colour hides part of another, what is left of it
    is found.

    Args:
        labels: the label that each colour stands for; colours that are not named are not seen.
        score: what every object scores.
    """

    def __init__(self, labels: Mapping[Colour, str] | None = None, *, score: float = 0.9) -> None:
        by_colour: Mapping[Colour, str] = labels or {"red": "person", "blue": "car"}
        names = list(dict.fromkeys(by_colour.values()))
        self._class_ids = {_CHANNELS[colour]: names.index(label) for colour, label in by_colour.items()}
        self._card = fake_card(names)
        self._score = score

    @property
    def card(self) -> ModelCard:
        """A card with the labels given at construction."""
        return self._card

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return the coloured areas of each image."""
        for image in images:
            check_image(image)
        return [self._find(image) for image in images]

    def _find(self, image: NDArray[np.uint8]) -> Detections:
        found = [(box, class_id) for channel, class_id in self._class_ids.items() for box in _areas(image, channel)]
        if not found:
            return Detections.empty()
        return Detections(
            boxes_xyxy=np.array([box for box, _ in found], np.float32),
            scores=np.full(len(found), self._score, np.float32),
            class_ids=np.array([class_id for _, class_id in found], np.int32),
        )


def _areas(image: NDArray[np.uint8], channel: int) -> list[tuple[int, int, int, int]]:
    """Return the boxes of all connected areas in which `channel` leads, from top to bottom."""
    planes = cv2.split(image)
    one, other = (planes[number] for number in range(3) if number != channel)
    lead = cv2.subtract(planes[channel], cv2.max(one, other))
    leads = cv2.compare(lead, np.full_like(lead, MIN_LEAD), cv2.CMP_GE)
    _, _, stats, _ = cv2.connectedComponentsWithStats(leads)
    return [(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h, area in stats[1:] if area >= MIN_AREA_PX]

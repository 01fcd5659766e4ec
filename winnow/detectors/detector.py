"""The seam between whoever has images and whatever finds objects in them."""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from winnow.detectors.card import ModelCard
from winnow.detectors.detections import Detections

DEFAULT_MIN_SCORE: Final = 0.1
"""Low on purpose: a tracker's second stage lives on weak boxes.

Source: Zhang et al., ByteTrack, ECCV 2022, section 3.
"""


class Detector(Protocol):
    """Finds objects in images. One instance serves one thread at a time."""

    @property
    def card(self) -> ModelCard:
        """The model card: labels, input size, where the model comes from."""
        ...

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return one `Detections` for each image, in the order of the images.

        Args:
            images: uint8 (H, W, 3) each, BGR, of any size; they are neither kept nor changed.

        Raises:
            ImageError: an image has another dtype or shape, or no pixels.
        """
        ...

"""Shows the detector the parts of a frame that a plan names, and nothing else."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detector
from winnow.pipeline.detection.look import Look
from winnow.pipeline.detection.planning import LookPlan, Tile
from winnow.pipeline.detection.reading import read_look
from winnow.pipeline.sources import Frame


class ObjectFinder:
    """Looks at frames for one camera.

    Args:
        detector: gets one image a model input, of the input's own size, so that it neither scales nor places anything.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def look(self, frame: Frame, plan: LookPlan) -> Look:
        """Return what is to be found where the plan looks."""
        found = self._detector.detect([self._sheet(frame, tiles) for tiles in plan.inputs])
        return read_look(plan, found, (frame.width, frame.height))

    def _sheet(self, frame: Frame, tiles: Sequence[Tile]) -> NDArray[np.uint8]:
        spec = self._detector.card.input
        if len(tiles) == 1 and tiles[0].place == (0, 0, spec.width, spec.height):
            return frame.bgr(tiles[0].window, (spec.width, spec.height))
        sheet = np.full((spec.height, spec.width, 3), spec.fill, np.uint8)
        for tile in tiles:
            left, top, width, height = tile.place
            sheet[top : top + height, left : left + width] = frame.bgr(tile.window, (width, height))
        return sheet

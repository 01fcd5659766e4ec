"""What one look at a frame gave: objects, and the part of the frame in which there could have been any."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections

EVERYWHERE: Final = (-np.inf, -np.inf, np.inf, np.inf)
"""The one window of a look at the whole frame."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What the detector found, and where it looked.

    Attributes:
        detections: objects in pixels of the frame; none of them is cut off by the border of a window.
        cut: what is: boxes at a window's border within the frame, pixels. Too little of a thing to follow it, but a
            person's head may be in there.
        windows_xyxy: float64 (W, 4), the parts of the frame that were looked at, pixels. A side that is the frame's own
            is infinitely far out: whatever a track expects out there has left, it was not overlooked.
        is_whole_frame: there is one window and it is the frame.
    """

    detections: Detections
    cut: Detections
    windows_xyxy: NDArray[np.float64]
    is_whole_frame: bool

    @classmethod
    def at_whole_frame(cls, detections: Detections) -> Self:
        """Return a look that missed no part of the frame."""
        return cls(
            detections=detections, cut=Detections.empty(), windows_xyxy=np.array([EVERYWHERE]), is_whole_frame=True
        )

    def covers(self, boxes_xyxy: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which boxes (N, 4) lie within one window as a whole: a thing in there was looked at."""
        windows = self.windows_xyxy
        inside = (windows[None, :, :2] <= boxes_xyxy[:, None, :2]) & (boxes_xyxy[:, None, 2:] <= windows[None, :, 2:])
        covered: NDArray[np.bool_] = np.any(np.all(inside, axis=2), axis=1)
        return covered

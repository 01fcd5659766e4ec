"""Whether a camera sends the same picture again and again.

Within a group of pictures identical ones are normal: an encoder sends "as before" for what did not change. Keyframes
are coded anew each time, so that the noise of a working sensor makes every one differ from the one before.

A noiseless picture (a drawing, a screen) cannot be told from a frozen one by its pixels. Of a recording, only a picture
is called frozen that was noisy before; of a camera, every one, since no working sensor is free of noise.
"""

from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.sources import Frame, Keyframe

KEYFRAMES: Final = 3
"""Fewer identical keyframes than this prove nothing."""

NOISY_SHARE: Final = 0.2
"""If so many pixels differ from one keyframe to the next it is noise; less may be something that moves."""

_EVERY_ROW: Final = 8
"""Noise that is in every eighth row is everywhere."""


class FrozenJudge:
    """The keyframes of one camera.

    Args:
        after_s: how long they must be the same.
        is_live: the pictures come from a camera, not from a recording.
    """

    def __init__(self, after_s: float, *, is_live: bool) -> None:
        self._after_s = Fraction(after_s)
        self._is_noisy = is_live
        self._rows: NDArray[np.uint8] | None = None
        self._first: Keyframe | None = None
        self._last: Keyframe | None = None

    def restart(self) -> None:
        """Know nothing of the keyframes before: time has jumped."""
        self._first = self._last = None

    def note(self, frame: Frame) -> None:
        """Take in the keyframe that a frame carries."""
        if frame.is_key and not self._is_noisy:
            self._look_for_noise(frame.luma()[::_EVERY_ROW])
        keyframe = frame.keyframe
        if keyframe is None:
            return
        if self._first is None or keyframe.digest != self._first.digest:
            self._first = keyframe
        self._last = keyframe

    def frozen_since_s(self, at_s: Fraction) -> Fraction | None:
        """Return since when the picture has been the same, or None while it need not be frozen."""
        if self._first is None or self._last is None or not self._is_noisy:
            return None
        is_proven = self._last.number - self._first.number + 1 >= KEYFRAMES
        return self._first.stream_s if is_proven and at_s - self._first.stream_s >= self._after_s else None

    def _look_for_noise(self, rows: NDArray[np.uint8]) -> None:
        before, self._rows = self._rows, rows.copy()
        if before is not None and before.shape == rows.shape:
            self._is_noisy = int(np.count_nonzero(rows != before)) >= NOISY_SHARE * rows.size

"""What each pixel usually shows, and by how much it usually strays from that.

Both follow the pictures by one grey level at a time. For the background that is the pixel's median in time, which
somebody who walks past does not move, and which forgets a ghost at the pace at which it learns a parked car. For the
*spread* it is a multiple of the median difference: what rain, leaves, sensor noise or a weak encoder do to a pixel most
of the time makes it less sensitive, what happens now and then does not.

A second background follows at an eighth of the pace. Who stands for some seconds and leaves would be missed by the
first where nobody is any more; a pixel has changed only if it differs from both.

Source: Manzanera and Richefeu, A robust and computationally efficient motion detection algorithm based on Sigma-Delta
background estimation, ICVGIP 2004. The second background and the correction of the light are ours.
"""

from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

SPREAD: Final = 4
"""A pixel has changed from so many median differences on: for normally distributed noise 2.7 deviations, one in 150."""

UNKNOWN_SPREAD: Final = 36
"""What counts as the spread of a pixel of which nothing is known yet; it falls by one level a picture."""

UNSURE_SPREAD: Final = 20
"""The least that counts as spread after the light changed: the noise is another now, the scene is the same."""

MOST_SPREAD: Final = 90
"""No pixel becomes less sensitive than this: a person in front of a tree in a storm still differs from it by more."""

STEADY_EVERY: Final = 8
"""The second background learns one picture of so many: half a minute of standing still leaves no ghost."""

LIT_SHARE: Final = 0.04
"""From this share of changed pixels on it is asked whether the light changed."""

_FLATTEST: Final = 1.0
"""Grey levels of deviation below which a picture has no contrast that could be compared."""


class Background:
    """The background of one camera, thinned out.

    Args:
        picture: the first picture (height, width); copied.
        watched: 255 for every pixel that counts, 0 for masked ones.
        floor: grey levels by which a pixel must differ at least; may be changed between two pictures.
    """

    def __init__(self, picture: NDArray[np.uint8], watched: NDArray[np.uint8], floor: int) -> None:
        self._watched = watched
        self._watched_pixels = max(cv2.countNonZero(watched), 1)
        self.floor = floor
        self._pictures = 0
        self._levels, self._steady, self._before = picture.copy(), picture.copy(), picture.copy()
        self._spread = np.full(picture.shape, max(floor, UNKNOWN_SPREAD), np.uint8)

    @property
    def shape(self) -> tuple[int, ...]:
        """Return height and width of the pictures."""
        return self._levels.shape

    def learn_anew(self, picture: NDArray[np.uint8]) -> None:
        """Take the picture as the background; what is known of the spread stays, down to `UNSURE_SPREAD`."""
        self._levels, self._steady, self._before = picture.copy(), picture.copy(), picture.copy()
        self._spread = np.maximum(self._spread, np.uint8(UNSURE_SPREAD))

    def compare(self, picture: NDArray[np.uint8]) -> tuple[MatLike, float]:
        """Return 255 for each watched pixel that has changed, and their share; learn the picture.

        A change of the light that is the same for the whole picture (brighter, darker, more or less contrast) moves
        the background along where that explains most of what changed. The share is what it was before that.
        """
        difference, changed = self._changed(picture, self._levels, self._steady)
        share = cv2.countNonZero(changed) / self._watched_pixels
        if share > LIT_SHARE:
            table = self._light_of(picture)
            lit, lit_steady = _looked_up(self._levels, table), _looked_up(self._steady, table)
            lit_difference, lit_changed = self._changed(picture, lit, lit_steady)
            if cv2.countNonZero(lit_changed) * 2 < share * self._watched_pixels:
                self._levels, self._steady = lit, lit_steady
                difference, changed = lit_difference, lit_changed
        strays = np.asarray(cv2.copyTo(cv2.absdiff(picture, self._before), changed, difference), np.uint8)
        self._learn(picture, strays)
        return changed, share

    def _changed(
        self, picture: NDArray[np.uint8], levels: NDArray[np.uint8], steady: NDArray[np.uint8]
    ) -> tuple[MatLike, MatLike]:
        """Return the difference from the background, and 255 for each watched pixel that differs from both."""
        difference = cv2.absdiff(picture, levels)
        differs = cv2.bitwise_and(cv2.compare(difference, self._spread, cv2.CMP_GE), self._watched)
        differs_long = cv2.compare(cv2.absdiff(picture, steady), self._spread, cv2.CMP_GE)
        return difference, cv2.bitwise_and(differs, differs_long)

    def _light_of(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return 256 grey levels: what each of the background's is in a light with the picture's mean and deviation."""
        (mean_then, deviation_then), (mean_now, deviation_now) = (
            (float(mean[0, 0]), float(deviation[0, 0]))
            for mean, deviation in (cv2.meanStdDev(one, mask=self._watched) for one in (self._levels, picture))
        )
        gain = deviation_now / deviation_then if min(deviation_then, deviation_now) > _FLATTEST else 1.0
        return np.asarray(np.rint((np.arange(256) - mean_then) * gain + mean_now).clip(0, 255), np.uint8)

    def _learn(self, picture: NDArray[np.uint8], strays: NDArray[np.uint8]) -> None:
        """Move each pixel's background and spread by one grey level."""
        self._pictures += 1
        _follow(self._levels, picture)
        if self._pictures % STEADY_EVERY == 0:
            _follow(self._steady, picture)
        spread = self._spread
        _follow(spread, np.asarray(cv2.convertScaleAbs(strays, alpha=SPREAD), np.uint8))
        np.maximum(spread, np.uint8(self.floor), out=spread)
        np.minimum(spread, np.uint8(max(self.floor, MOST_SPREAD)), out=spread)
        self._before = picture.copy()


def _follow(levels: NDArray[np.uint8], picture: NDArray[np.uint8]) -> None:
    """Move each of `levels` by one towards the picture; 255, which OpenCV says for yes, is -1 here."""
    np.subtract(levels, cv2.compare(picture, levels, cv2.CMP_GT), out=levels)
    np.add(levels, cv2.compare(picture, levels, cv2.CMP_LT), out=levels)


def _looked_up(levels: NDArray[np.uint8], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.LUT(levels, table), np.uint8)

"""What the camera usually shows, and how a picture compares with it.

Views are compared by their edges: the correlation of two edge maps is near 1 for the same view by day, at dusk, under
infrared or in the rain, and near 0 for another view. Where it is low, the middle of the picture is looked for all over
the reference, which tells a camera that was turned from one that is covered.
"""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.health.view import HEIGHT, WIDTH, View

LEARN_VIEWS: Final = 10
"""So many views make the first reference; nothing is compared with it before."""

LEARN_SHARE: Final = 1 / 300
"""Each view's share in the reference from then on: at one a second it follows dusk and snow in minutes."""

LIKE: Final = 0.8
"""With this share of the usual correlation it is the same view without any doubt, so nothing is searched for."""

_SEARCH_X: Final = 35
_SEARCH_Y: Final = 20
"""How far a turned camera is followed, in pixels of the view: about a fifth of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How a view compares with the reference.

    Attributes:
        usual: correlation of the edges that the scene usually has with its own reference.
        here: correlation with the reference where it is.
        best: highest correlation of the middle of the view with any place of the reference.
        shift: how far away that place is, in pixels of the view.
        detail_left: the view's detail as a share of the usual.
    """

    usual: float
    here: float
    best: float
    shift: float
    detail_left: float


class Reference:
    """The usual view of one camera, learnt slowly."""

    def __init__(self) -> None:
        self._edges = np.zeros((HEIGHT, WIDTH), np.float32)
        self._detail = 0.0
        self._usual = 0.0
        self._views = 0

    @property
    def is_known(self) -> bool:
        """Whether enough views were learnt to compare others with."""
        return self._views >= LEARN_VIEWS

    def learn(self, view: View) -> None:
        """Take a view in that shows what it should."""
        here = _correlation(view.edges, self._edges) if self._views else 1.0
        self._views += 1
        share = np.float32(max(1 / self._views, LEARN_SHARE))
        self._edges += (view.edges - self._edges) * share
        self._detail += (view.detail - self._detail) * float(share)
        self._usual += (here - self._usual) * float(share)

    def compare(self, view: View) -> Likeness:
        """Return how a view compares with what was learnt."""
        here = best = _correlation(view.edges, self._edges)
        shift = 0.0
        if here < LIKE * self._usual:
            best, shift = _search(view.edges, self._edges)
        return Likeness(
            usual=self._usual, here=here, best=best, shift=shift, detail_left=view.detail / max(self._detail, 1e-6)
        )


def _correlation(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    first, second = one - one.mean(), other - other.mean()
    power = float((first * first).sum()) * float((second * second).sum())
    return float((first * second).sum()) / power**0.5 if power > 0 else 0.0


def _search(edges: NDArray[np.float32], reference: NDArray[np.float32]) -> tuple[float, float]:
    middle = edges[_SEARCH_Y : HEIGHT - _SEARCH_Y, _SEARCH_X : WIDTH - _SEARCH_X]
    _, best, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(reference, middle, cv2.TM_CCOEFF_NORMED))
    return float(best), float(np.hypot(x - _SEARCH_X, y - _SEARCH_Y))

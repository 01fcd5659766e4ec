"""What is wrong with one picture, if anything.

The order decides where two things are true: a black picture has no detail either and resembles nothing.

    black      nothing is bright
    white      nothing is dark
    covered    no contrast at all, or far less fine detail than the scene usually has (also: out of focus)
    moved      the scene is found elsewhere in the picture, or there is another scene, as sharp as the usual one
"""

from typing import Final

from winnow.events.data import DegradedReason
from winnow.pipeline.health.reference import Likeness
from winnow.pipeline.health.view import WIDTH, View
from winnow.pipeline.settings import HealthSettings

FLAT_CONTRAST: Final = 3.0
"""Grey levels of deviation below which nobody could see anything, whatever the scene is."""

COMPARABLE: Final = 0.5
"""A scene whose own pictures correlate less with each other has too few edges, or too much traffic, to tell a move."""

FOUND: Final = 0.5
FOUND_BETTER: Final = 0.2
"""A scene is found elsewhere from this correlation on, if it is so much higher there than where it was."""

STRANGE: Final = 0.25
NOWHERE: Final = 0.4
"""There is another scene if the usual one correlates less than this where it was, and less than that anywhere."""


def judge(
    view: View, likeness: Likeness | None, settings: HealthSettings, *, is_moved: bool = False
) -> DegradedReason | None:
    """Return what is wrong with a picture.

    Args:
        view: the picture.
        likeness: how it compares with the reference; None while that is not known.
        settings: thresholds, and which checks are wanted.
        is_moved: the camera is known to be moved: a doubtful picture leaves it so.
    """
    reasons: list[DegradedReason] = []
    if view.dark < settings.black_level:
        reasons.append("black")
    if view.bright > settings.white_level:
        reasons.append("white")
    if view.contrast < FLAT_CONTRAST or (likeness is not None and likeness.detail_left < settings.detail_left):
        reasons.append("covered")
    if likeness is not None and _is_elsewhere(likeness, settings, is_moved=is_moved):
        reasons.append("moved")
    first = reasons[0] if reasons else None
    return first if first in settings.checks else None


def _is_elsewhere(likeness: Likeness, settings: HealthSettings, *, is_moved: bool) -> bool:
    if likeness.usual < COMPARABLE:
        return False
    is_shifted = (
        likeness.best >= FOUND
        and likeness.best >= likeness.here + FOUND_BETTER
        and likeness.shift >= settings.moved_by * WIDTH
    )
    is_other = likeness.here < STRANGE and likeness.best < NOWHERE
    return is_shifted or is_other or (is_moved and likeness.here < likeness.usual / 2)

"""When a camera's pictures count as useless."""

from typing import Annotated

from pydantic import Field

from winnow.events.data import DegradedReason
from winnow.runtime.settings import Settings

_ALL: tuple[DegradedReason, ...] = ("stalled", "corrupt", "black", "white", "covered", "frozen", "moved")


class HealthSettings(Settings):
    """When a camera's pictures count as useless.

    Attributes:
        enabled: False checks nothing.
        checks: what is looked for. Leave `moved` out for a camera that pans.
        hold_s: a fault is reported, and reported as gone, once it has been seen, or not seen, for so long.
        stalled_after_s: a live camera whose connection stays open counts as silent after so long without a packet, and
            as corrupt after so long with packets but without a good picture.
        frozen_after_s: at least three keyframes over so long must be the same, bit for bit.
        black_level: grey level (16 black … 235 white) that 98 of 100 pixels stay below when there is nothing to see.
        white_level: grey level that 98 of 100 pixels stay above when there is nothing to see.
        detail_left: less than this share of the scene's usual detail means covered or out of focus.
        moved_by: share of the picture's width by which the view must have moved.
        accept_move_after_s: a view that stays moved for so long is taken as the camera's new one.
    """

    enabled: bool = True
    checks: tuple[DegradedReason, ...] = _ALL
    hold_s: Annotated[float, Field(ge=1, le=600)] = 10.0
    stalled_after_s: Annotated[float, Field(ge=1, le=3600)] = 5.0
    frozen_after_s: Annotated[float, Field(ge=5, le=3600)] = 30.0
    black_level: Annotated[int, Field(ge=0, le=255)] = 32
    white_level: Annotated[int, Field(ge=0, le=255)] = 225
    detail_left: Annotated[float, Field(gt=0, lt=1)] = 0.4
    moved_by: Annotated[float, Field(ge=0.02, le=0.2)] = 0.025
    accept_move_after_s: Annotated[float, Field(ge=60, le=31 * 24 * 3600)] = 3600.0

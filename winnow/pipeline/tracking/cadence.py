"""When the detector must look.

A calm scene is one in which everybody who moves is followed by optical flow, apart from the others: there every fifth
analysed frame is enough. It looks at once at motion that no track explains and that was not there at the last look, at
whoever moves and is not yet known to be an object, and at whoever was found but is too hidden to be followed. People
close together are looked at in every second frame: the flow in one box may be that of the next. So is whoever a look
has missed: in every frame took a tenth more looks and found nobody sooner.

    a track that                              wants a look
    stands still, found at the last look      when due, if something moves there; else every RECHECK_STILL_S
    is unconfirmed, or has never moved        at once, if something moves there; else when due
    was found at the last look, flow lost it  at once
    was found within SOUGHT_S, flow lost it   in every LOOK_NEAR-th frame
    has others near it                        in every LOOK_NEAR-th frame
    any other                                 when due

Due is a track that was not looked at for LOOK_EVERY frames or LOOK_EVERY_S.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.tracking.boxes import Boxes, grown, shared_areas
from winnow.pipeline.tracking.table import TrackTable

LOOK_EVERY: Final = 5
LOOK_EVERY_S: Final = 1
RECHECK_STILL_S: Final = 10

LOOK_NEAR: Final = 2
"""On a busy street, in every third frame costs a tenth of the identities, in every frame a fifth more runs."""

SOUGHT_S: Final = 1
"""How long a track that was lost sight of wants looks although nothing moves where it is expected."""

EXPLAINED_ROOM: Final = 0.5
"""Motion within a box grown by this share of its size on each side is that of its track: shadows, swinging arms, and
the trail that the motion gate's background keeps."""

EXPLAINED_SHARE: Final = 0.5
"""Of an area of motion; the rest is its ragged border."""

_NS: Final = 1_000_000_000


def wanting(  # noqa: PLR0913 - what is known of the tracks
    table: TrackTable,
    *,
    held: NDArray[np.bool_],
    carried: NDArray[np.bool_],
    clear: NDArray[np.bool_],
    boxes_xyxy: Boxes,
    moving_xyxy: Boxes,
    at_ns: int,
) -> NDArray[np.bool_]:
    """Return which tracks (N,) want a look at a frame.

    Args:
        table: as of the last frame.
        held: (N,), stand still and were found at the last look.
        carried: (N,), optical flow will tell where they go.
        clear: (N,), nobody else is near.
        boxes_xyxy: (N, 4), where the tracks are expected.
        moving_xyxy: (M, 4), where something moves.
        at_ns: stream time of the frame.
    """
    since_ns = at_ns - table.looked_ns
    unlooked = table.unlooked + 1
    is_due = (unlooked >= LOOK_EVERY) | (since_ns >= LOOK_EVERY_S * _NS)
    is_lost = table.confirmed & ~carried & (at_ns - table.detected_ns <= SOUGHT_S * _NS)
    is_touched = (shared_areas(boxes_xyxy, moving_xyxy) > 0).any(axis=1)
    wants: NDArray[np.bool_] = np.where(
        held,
        is_due & is_touched | (since_ns >= RECHECK_STILL_S * _NS),
        is_due
        | (~(table.confirmed & table.travelled) & is_touched)
        | ((table.confirmed & ~clear | is_lost) & (unlooked >= LOOK_NEAR))
        | (is_lost & table.seen),
    )
    return wants


def is_explained(moving_xyxy: Boxes, known_xyxy: Boxes) -> NDArray[np.bool_]:
    """Return which areas of motion (M,) lie for the most part within the known boxes, grown by `EXPLAINED_ROOM`."""
    areas = np.maximum((moving_xyxy[:, 2:] - moving_xyxy[:, :2]).prod(axis=1), 1.0)
    shared = shared_areas(moving_xyxy, grown(known_xyxy, EXPLAINED_ROOM)).sum(axis=1)
    explained: NDArray[np.bool_] = shared >= EXPLAINED_SHARE * areas
    return explained

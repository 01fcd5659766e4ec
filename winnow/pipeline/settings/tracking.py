"""When detections become an object, and when it is gone."""

from typing import Annotated

from pydantic import Field

from winnow.runtime.settings import Settings


class TrackingSettings(Settings):
    """When detections become an object, and when it is gone.

    Attributes:
        min_score: detections below it only extend tracks.
        start_score: an object starts when the median of its last scores reaches it …
        start_hits: … over at least this many detections.
        lost_after_s: an object ends this long after it was last seen.
        update_every_s: at most one `object.updated` an object in this time.
    """

    min_score: Annotated[float, Field(gt=0, le=1)] = 0.4
    start_score: Annotated[float, Field(gt=0, le=1)] = 0.5
    start_hits: Annotated[int, Field(ge=1, le=50)] = 3
    lost_after_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    update_every_s: Annotated[float, Field(gt=0, le=3600)] = 5.0

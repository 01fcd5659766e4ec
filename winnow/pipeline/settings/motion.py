"""When a picture is worth looking at."""

from typing import Annotated

from pydantic import Field

from winnow.pipeline.settings.shapes import Polygon
from winnow.runtime.settings import Settings


class MotionSettings(Settings):
    """When a picture is worth looking at.

    Attributes:
        enabled: False looks at every sampled frame.
        threshold: grey levels (0..255) by which a pixel must differ from the background, at least; a pixel that is
            always restless (leaves, rain, sensor noise) must differ by more.
        min_area: smallest changed area that counts, as a share of the frame.
        masks: areas in which motion is ignored: trees, flags, clocks.
        rest_after_s: a live camera in whose picture nothing moved for so long decodes its keyframes only, until
            something does; null decodes everything always.
    """

    enabled: bool = True
    threshold: Annotated[int, Field(ge=1, le=255)] = 12
    min_area: Annotated[float, Field(gt=0, lt=1)] = 0.0003
    masks: tuple[Polygon, ...] = ()
    rest_after_s: Annotated[float, Field(ge=6, le=3600)] | None = 10.0

"""What leaves the box as an image."""

from typing import Annotated, Literal

from pydantic import Field

from winnow.pipeline.settings.shapes import Polygon
from winnow.runtime.settings import Settings

Redaction = Literal["heads", "people", "none", "no-images"]


class ThumbnailSettings(Settings):
    """What leaves the box as an image.

    Attributes:
        redaction: `heads` pixelates the head of every person in the crop, `people` the whole person, `none` nothing;
            `no-images` sends no thumbnails at all.
        masks: areas of the scene that no image ever shows.
        max_side_px: longest side.
        quality: of the JPEG, 1..100. At 40 a person of 100 pixels takes about a kilobyte.
        max_bytes: size of the JPEG; quality is lowered to reach it.
        margin: room around the object, as a share of its size.
    """

    redaction: Redaction = "heads"
    masks: tuple[Polygon, ...] = ()
    max_side_px: Annotated[int, Field(ge=32, le=640)] = 320
    quality: Annotated[int, Field(ge=1, le=95)] = 40
    max_bytes: Annotated[int, Field(ge=1024, le=48 * 1024)] = 8 * 1024
    margin: Annotated[float, Field(ge=0, le=1)] = 0.15

"""The thumbnail: an image with CloudEvents attributes, sent in binary mode."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from winnow.events.errors import ContractError
from winnow.events.event import Recorded, type_of
from winnow.events.jpeg import jpeg_size
from winnow.events.limits import MAX_THUMBNAIL_BYTES, MAX_THUMBNAIL_SIDE_PX
from winnow.events.names import source_of

THUMBNAIL_KIND: Final = "thumbnail.captured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The best picture of an object so far, redacted before it was encoded.

    Attributes:
        id: 32 hex digits, see `identity.event_id`.
        node: the edge box.
        camera: the camera that saw it.
        subject: `{label}/{track}`.
        time: when the picture was taken; aware, UTC.
        event_id: id of the event that it belongs to.
        jpeg: the image.
        sha256: of `jpeg`, 64 hex digits.
        recorded: None until a spool accepted it.
    """

    id: str
    node: str
    camera: str
    subject: str
    time: datetime
    event_id: str
    jpeg: bytes
    sha256: str
    recorded: Recorded | None = None

    @property
    def kind(self) -> str:
        """Return `thumbnail.captured`."""
        return THUMBNAIL_KIND

    @property
    def type(self) -> str:
        """Return the CloudEvents type."""
        return type_of(THUMBNAIL_KIND)

    @property
    def source(self) -> str:
        """Return the CloudEvents source."""
        return source_of(self.node, self.camera)

    def with_record(self, recorded: Recorded) -> "Thumbnail":
        """Return this thumbnail as the spool accepted it."""
        return replace(self, recorded=recorded)


def sha256_of(content: bytes) -> str:
    """Return 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def check_thumbnail(thumbnail: Thumbnail) -> None:
    """Return if size, dimensions and checksum of the image are as they must be.

    Raises:
        ContractError: they are not.
    """
    size_bytes = len(thumbnail.jpeg)
    if size_bytes > MAX_THUMBNAIL_BYTES:
        raise ContractError("size", f"thumbnail of {size_bytes} bytes; {MAX_THUMBNAIL_BYTES} are allowed")
    width, height = jpeg_size(thumbnail.jpeg)
    if not 0 < max(width, height) <= MAX_THUMBNAIL_SIDE_PX or min(width, height) < 1:
        raise ContractError(
            "image", f"thumbnail of {width}x{height}; {MAX_THUMBNAIL_SIDE_PX} pixels a side are allowed"
        )
    if sha256_of(thumbnail.jpeg) != thumbnail.sha256:
        raise ContractError("image", "thumbnail does not have the sha256 that it came with")

"""The best picture of each object, redacted before it is kept, encoded only from there."""

from winnow.pipeline.thumbnails.album import Album, Closed, Shot
from winnow.pipeline.thumbnails.encode import encode_jpeg
from winnow.pipeline.thumbnails.redaction import RedactedImage, Redactor
from winnow.pipeline.thumbnails.restraint import NoRestraint, Restraint, Size
from winnow.pipeline.thumbnails.snapshot import take_snapshot

__all__ = [
    "Album",
    "Closed",
    "NoRestraint",
    "RedactedImage",
    "Redactor",
    "Restraint",
    "Shot",
    "Size",
    "encode_jpeg",
    "take_snapshot",
]

"""The best picture of each object, redacted before it is kept, encoded only from there."""

from winnow.pipeline.thumbnails.album import Album, Shot
from winnow.pipeline.thumbnails.encode import encode_jpeg
from winnow.pipeline.thumbnails.redaction import RedactedImage, Redactor

__all__ = ["Album", "RedactedImage", "Redactor", "Shot", "encode_jpeg"]

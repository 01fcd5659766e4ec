"""Cameras and recordings: compressed video in, frames with exact time out."""

from winnow.pipeline.sources.addresses import redact_url
from winnow.pipeline.sources.containers import LiveSettings
from winnow.pipeline.sources.errors import (
    SourceDamagedError,
    SourceError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceNotVideoError,
    SourceUnreachableError,
)
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.folder import FolderSource
from winnow.pipeline.sources.frame import EPOCH, Frame, wall_time
from winnow.pipeline.sources.live import LiveSource
from winnow.pipeline.sources.open import open_source
from winnow.pipeline.sources.sampling import FrameSampler
from winnow.pipeline.sources.source import ClockSource, Connection, Damage, DropReason, Source, SourceStats

__all__ = [
    "EPOCH",
    "ClockSource",
    "Connection",
    "Damage",
    "DropReason",
    "FileSource",
    "FolderSource",
    "Frame",
    "FrameSampler",
    "LiveSettings",
    "LiveSource",
    "Source",
    "SourceDamagedError",
    "SourceError",
    "SourceNotAllowedError",
    "SourceNotFoundError",
    "SourceNotVideoError",
    "SourceStats",
    "SourceUnreachableError",
    "open_source",
    "redact_url",
    "wall_time",
]

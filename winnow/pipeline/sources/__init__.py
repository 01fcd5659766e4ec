"""Cameras and recordings: compressed video in, frames with exact time out."""

from winnow.pipeline.decoder.addresses import redact_url
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.errors import (
    DecoderDiedError,
    SourceDamagedError,
    SourceError,
    SourceNotAllowedError,
    SourceNotFoundError,
    SourceNotVideoError,
    SourceUnreachableError,
)
from winnow.pipeline.decoder.picture import Keyframe
from winnow.pipeline.decoder.sampling import FrameSampler, share_of
from winnow.pipeline.decoder.stats import ClockSource, Connection, Damage, DropReason, SourceStats
from winnow.pipeline.decoder.timekeeping import EPOCH, wall_time
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.folder import FolderSource
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.live import LiveSource
from winnow.pipeline.sources.open import open_source
from winnow.pipeline.sources.source import Source
from winnow.pipeline.sources.watched_folder import WatchedFolderSource

__all__ = [
    "EPOCH",
    "ClockSource",
    "Connection",
    "Damage",
    "DecoderDiedError",
    "DropReason",
    "FileSource",
    "FolderSource",
    "Frame",
    "FrameSampler",
    "Keyframe",
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
    "WatchedFolderSource",
    "open_source",
    "redact_url",
    "share_of",
    "wall_time",
]

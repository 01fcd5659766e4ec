"""From what a person typed to the source that reads it."""

from datetime import datetime
from pathlib import Path

from winnow.pipeline.decoder.addresses import SourceKind, source_kind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.timekeeping import EPOCH
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.folder import FolderSource
from winnow.pipeline.sources.live import LiveSource
from winnow.pipeline.sources.source import Source
from winnow.pipeline.sources.watched_folder import WatchedFolderSource
from winnow.runtime.clock import Clock


def open_source(
    address: str,
    *,
    clock: Clock,
    starts_at: datetime = EPOCH,
    live: LiveSettings | None = None,
    watches_folder: bool = False,
) -> Source:
    """Return the source for `address`; `with` opens it.

    Args:
        address: a file, a folder, an RTSP or HTTP URL, or a webcam's `/dev/videoN`.
        clock: times live frames; recordings do not look at it.
        starts_at: wall time of a recording's first frame, aware.
        live: timeouts and limits of live sources.
        watches_folder: of a folder, read what comes into it from now on instead of what is there.

    Raises:
        SourceNotAllowedError: the address is of a kind that is never opened.
    """
    if source_kind(address) is not SourceKind.PATH:
        return LiveSource(address, clock=clock, settings=live)
    path = Path(address)
    if watches_folder and path.is_dir():
        return WatchedFolderSource(path, clock=clock)
    return FolderSource(path, starts_at=starts_at) if path.is_dir() else FileSource(path, starts_at=starts_at)

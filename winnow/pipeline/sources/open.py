"""From what a person typed to the source that reads it."""

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from winnow.pipeline.decoder.addresses import SourceKind, source_kind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.decoder.timekeeping import EPOCH
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.folder import FolderSource
from winnow.pipeline.sources.folder_memory import FolderMemory
from winnow.pipeline.sources.isolated_file import IsolatedFileSource
from winnow.pipeline.sources.live import LiveSource
from winnow.pipeline.sources.source import Source
from winnow.pipeline.sources.watched_folder import WatchedFolderSource
from winnow.runtime.clock import Clock

if TYPE_CHECKING:
    from winnow.pipeline.sources.recording_source import OpenRecording


def open_source(  # noqa: PLR0913 - what each kind of source needs
    address: str,
    *,
    clock: Clock,
    starts_at: datetime = EPOCH,
    live: LiveSettings | None = None,
    watches_folder: bool = False,
    isolates: bool = False,
    folder_memory: Path | None = None,
    share: float = 0.0,
    camera: str = "",
) -> Source:
    """Return the source for `address`; `with` opens it.

    Args:
        address: a file, a folder, an RTSP or HTTP URL, or a webcam's `/dev/videoN`.
        clock: times live frames; recordings do not look at it.
        starts_at: wall time of a recording's first frame, aware.
        live: timeouts and limits of live sources.
        watches_folder: of a folder, read what comes into it from now on instead of what is there.
        folder_memory: the file that remembers which recordings of a watched folder were read.
        isolates: decode recordings too in a process of their own.
        share: of a live source, see `LiveSource`.
        camera: of a live source, see `LiveSource`.

    Raises:
        SourceNotAllowedError: the address is of a kind that is never opened.
    """
    if source_kind(address) is not SourceKind.PATH:
        return LiveSource(address, clock=clock, settings=live, share=share, camera=camera)
    path = Path(address)
    in_process = partial(FileSource, is_fast=live is not None and live.fast_decoding)
    open_file: OpenRecording = partial(IsolatedFileSource, clock=clock, settings=live) if isolates else in_process
    if watches_folder and path.is_dir():
        memory = FolderMemory(folder_memory) if folder_memory else None
        return WatchedFolderSource(path, clock=clock, open_file=open_file, memory=memory)
    if path.is_dir():
        return FolderSource(path, starts_at=starts_at, open_file=open_file)
    return open_file(path, time=RecordingTime(starts_at=starts_at))

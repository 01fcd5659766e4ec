"""A folder of recordings, read like one long recording."""

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from winnow.pipeline.decoder.errors import SourceError, SourceNotFoundError, SourceNotVideoError
from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.decoder.timekeeping import EPOCH, StreamPosition
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.recorded import RecordedSource
from winnow.pipeline.sources.recording_source import OpenRecording, position_of

VIDEO_SUFFIXES: Final = frozenset(
    {".3gp", ".asf", ".avi", ".flv", ".h264", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"}
    | {".mts", ".mxf", ".ts", ".webm", ".wmv"}
)
"""Names of videos, in small letters; other files of a folder are not looked at."""

logger = logging.getLogger(__name__)


class FolderSource(RecordedSource):
    """Every frame of every video in a folder, in the order of the file names.

    Each file starts a new stream epoch right after the one before. A file that gives no frame is named in
    `stats.damage.skipped_files` and passed over: one bad file must not hide the others.

    Args:
        path: the folder.
        starts_at: wall time of the first frame, aware.
        open_file: makes the source of one file.
    """

    def __init__(self, path: Path, *, starts_at: datetime = EPOCH, open_file: OpenRecording = FileSource) -> None:
        super().__init__(path)
        self._starts_at = starts_at
        self._open_file = open_file
        self._last: StreamPosition | None = None

    def __enter__(self) -> Self:
        """List the folder.

        Raises:
            SourceNotFoundError: there is no such folder.
            SourceNotVideoError: it holds no video.
        """
        if not self._path.is_dir():
            raise SourceNotFoundError(self.description, "no such folder; check the path")
        videos = sorted(path for path in self._path.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES)
        if not videos:
            raise SourceNotVideoError(self.description, "no video in this folder; give another one")
        self._tally.connection = "online"
        self._frames = self._read(videos)
        return self

    def _read(self, videos: list[Path]) -> Iterator[Frame]:
        for path in videos:
            time = RecordingTime(starts_at=self._starts_at, after=self._last)
            try:
                with self._open_file(path, time=time, tally=self._tally) as video:
                    for frame in video:
                        self._last = position_of(frame)
                        yield frame
            except SourceError as exc:
                logger.warning("skipped a file of the folder", extra={"reason": str(exc)})
                self._tally.skipped_files.append(str(exc))
            self._tally.connection = "online"
        self._tally.connection = "ended"
        if len(self._tally.skipped_files) == len(videos):
            raise SourceNotVideoError(self.description, "no file of this folder gave a frame; give another one")

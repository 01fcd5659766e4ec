"""A recording: every frame, in order, at the pace of whoever reads."""

from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import av

from winnow.pipeline.decoder.containers import open_recording
from winnow.pipeline.decoder.errors import SourceDamagedError, SourceNotVideoError
from winnow.pipeline.decoder.reader import PictureReader, video_stream
from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import EPOCH, RecordedTime, Timekeeper
from winnow.pipeline.sources.frame import Frame

if TYPE_CHECKING:
    from av.container import InputContainer

_INDEXED_FORMAT: Final = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name for the one common container whose index tells exactly how many packets follow."""


class FileSource:
    """Every frame of one video file.

    Damaged pictures are left out and counted; a file that is cut short gives the frames up to the cut. `stats.damage`
    tells of both.

    Args:
        path: the file.
        starts_at: wall time of its first frame, aware.
        timekeeper: given by a folder, whose files share one time.
        tally: given by a folder, whose files share one count.
    """

    is_live = False
    clock_source: ClockSource = "file"

    def __init__(
        self,
        path: Path,
        *,
        starts_at: datetime = EPOCH,
        timekeeper: Timekeeper | None = None,
        tally: SourceTally | None = None,
    ) -> None:
        self._path = path
        self._timekeeper = timekeeper or RecordedTime(starts_at)
        self._tally = tally or SourceTally()
        self._container: InputContainer | None = None
        self._frames: Iterator[Frame] = iter(())
        self._reading = Lock()  # FFmpeg must not be closed while another thread decodes

    @property
    def description(self) -> str:
        """The path as it was given."""
        return str(self._path)

    @property
    def duration_s(self) -> Fraction | None:
        """Length as the file's header tells, while the file is open."""
        if self._container is None or self._container.duration is None:
            return None
        return Fraction(self._container.duration, av.time_base)

    @property
    def stats(self) -> SourceStats:
        """What happened so far."""
        return self._tally.snapshot()

    def read(self, timeout_s: float | None = None) -> Frame | None:  # noqa: ARG002 - a file never keeps one waiting
        """Return the next frame, or None at the end.

        Raises:
            SourceDamagedError: the end is reached and not one frame could be had.
        """
        with self._reading:
            return next(self._frames, None)

    def sample(self, rate: float | None) -> None:
        """Change nothing: every frame is handed out."""

    def rest(self, *, is_wanted: bool) -> None:
        """Change nothing: every frame is handed out."""

    def __iter__(self) -> Iterator[Frame]:
        """Return the frames up to the end."""
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        """Free the decoder and the file, after the frame that is being read; there are no more."""
        with self._reading:
            self._frames = iter(())
            self._tally.connection = "ended"
            if self._container is not None:
                self._container.close()
                self._container = None

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            SourceNotFoundError: there is no such file.
            SourceUnreachableError: the file may not be read.
            SourceNotVideoError: it is no video that can be decoded.
            SourceDamagedError: its index is missing.
        """
        container = open_recording(self._path)
        stream = video_stream(container)
        if stream is None:
            container.close()
            raise SourceNotVideoError(self.description, "no video in it that can be decoded; give a video file")
        self._container = container
        self._tally.connection = "online"
        reader = PictureReader(container, stream, timekeeper=self._timekeeper, tally=self._tally)
        index_packets = stream.frames if container.format.name == _INDEXED_FORMAT else 0
        self._frames = self._read(reader, index_packets)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _read(self, reader: PictureReader, index_packets: int) -> Iterator[Frame]:
        has_frame = False
        try:
            for picture in reader.pictures():
                has_frame = True
                yield Frame.of(picture)
        except av.FFmpegError:
            self._tally.is_truncated = True
        if reader.is_last_packet_corrupt or reader.packets_read < index_packets:
            self._tally.is_truncated = True
        self._tally.connection = "ended"
        if not has_frame:
            raise SourceDamagedError(self.description, "not one frame could be decoded; get another copy")

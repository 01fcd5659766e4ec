"""One recording: opened, timed, read to its end or to where it breaks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

from winnow.pipeline.decoder.containers import open_recording
from winnow.pipeline.decoder.errors import SourceDamagedError, SourceNotVideoError
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.reader import PictureReader, Step, video_stream
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import EPOCH, RecordedTime, StreamPosition

_INDEXED_FORMAT: Final = "mov,mp4,m4a,3gp,3g2,mj2"
"""FFmpeg's name for the one common container whose index tells exactly how many packets follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingTime:
    """What gives a recording its time.

    Attributes:
        starts_at: wall time at stream time 0, aware.
        ends_at: wall time of its end, aware; known instead of the start of one that was just finished.
        after: the last frame of the recording before it, which it follows in a new epoch.
    """

    starts_at: datetime = EPOCH
    ends_at: datetime | None = None
    after: StreamPosition | None = None


class Recording:
    """Every good picture of one video file.

    Args:
        path: the file.
        time: what gives it its time.
        tally: counts what is read.
        enter: told before each step.
        is_fast: see `PictureReader`.

    Raises:
        SourceNotFoundError: there is no such file.
        SourceUnreachableError: the file may not be read.
        SourceNotVideoError: it is no video that can be decoded.
        SourceDamagedError: its index is missing.
    """

    def __init__(
        self,
        path: Path,
        *,
        time: RecordingTime,
        tally: SourceTally,
        enter: Callable[[Step], None] = lambda _: None,
        is_fast: bool = False,
    ) -> None:
        self._path = path
        self._tally = tally
        self._container = open_recording(path)
        stream = video_stream(self._container)
        if stream is None:
            self._container.close()
            raise SourceNotVideoError(str(path), "no video in it that can be decoded; give a video file")
        self._index_packets = stream.frames if self._container.format.name == _INDEXED_FORMAT else 0
        self._reader = PictureReader(
            self._container, stream, timekeeper=self._timekeeper(time), tally=tally, enter=enter, is_fast=is_fast
        )

    @property
    def duration_s(self) -> Fraction | None:
        """Length as the file's header tells."""
        duration = self._container.duration
        return None if duration is None else Fraction(duration, av.time_base)

    def pictures(self) -> Iterator[Picture]:
        """Return the pictures up to the end, or up to where the file cannot be read on, which the tally then tells.

        Raises:
            SourceDamagedError: not one picture could be had.
        """
        has_picture = False
        try:
            for picture in self._reader.pictures():
                has_picture = True
                yield picture
        except av.FFmpegError:
            self._tally.is_truncated = True
        if self._reader.is_last_packet_corrupt or self._reader.packets_read < self._index_packets:
            self._tally.is_truncated = True
        if not has_picture:
            raise SourceDamagedError(str(self._path), "not one frame could be decoded; get another copy")

    def close(self) -> None:
        """Free the decoder and the file."""
        self._container.close()

    def _timekeeper(self, time: RecordingTime) -> RecordedTime:
        timekeeper = RecordedTime(time.starts_at, after=time.after)
        if time.ends_at is not None:
            timekeeper.begin(time.ends_at - timedelta(seconds=float(self.duration_s or 0)))
        return timekeeper

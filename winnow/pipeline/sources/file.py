"""A recording, decoded in this process: every frame, in order, at the pace of whoever reads."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Self

from winnow.pipeline.decoder.recording import Recording, RecordingTime
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.recorded import RecordedSource


class FileSource(RecordedSource):
    """Every frame of one video file.

    Damaged pictures are left out and counted; a file that is cut short gives the frames up to the cut. `stats.damage`
    tells of both.

    Args:
        path: the file.
        time: what gives it its time.
        tally: given by a folder, whose files share one count.
        is_fast: see `PictureReader`.
    """

    def __init__(
        self,
        path: Path,
        *,
        time: RecordingTime | None = None,
        tally: SourceTally | None = None,
        is_fast: bool = False,
    ) -> None:
        super().__init__(path, tally=tally)
        self._is_fast = is_fast
        self._time = time or RecordingTime()
        self._recording: Recording | None = None

    @property
    def duration_s(self) -> Fraction | None:
        """Length as the file's header tells, while the file is open."""
        return self._recording.duration_s if self._recording else None

    def close(self) -> None:
        """Free the decoder and the file, after the frame that is being read; there are no more."""
        super().close()
        with self._reading:
            if self._recording is not None:
                self._recording.close()
                self._recording = None

    def __enter__(self) -> Self:
        """Open the file.

        Raises:
            SourceNotFoundError: there is no such file.
            SourceUnreachableError: the file may not be read.
            SourceNotVideoError: it is no video that can be decoded.
            SourceDamagedError: its index is missing.
        """
        self._recording = Recording(self._path, time=self._time, tally=self._tally, is_fast=self._is_fast)
        self._tally.connection = "online"
        self._frames = self._read(self._recording)
        return self

    def _read(self, recording: Recording) -> Iterator[Frame]:
        try:
            yield from map(Frame.of, recording.pictures())
        finally:
            self._tally.connection = "ended"

"""A recording, decoded in this process: every frame, in order, at the pace of whoever reads."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

from winnow.pipeline.decoder.recording import Recording, RecordingTime
from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.sources.frame import Frame


class FileSource:
    """Every frame of one video file.

    Damaged pictures are left out and counted; a file that is cut short gives the frames up to the cut. `stats.damage`
    tells of both.

    Args:
        path: the file.
        time: what gives it its time.
        tally: given by a folder, whose files share one count.
    """

    is_live = False
    clock_source: ClockSource = "file"

    def __init__(self, path: Path, *, time: RecordingTime | None = None, tally: SourceTally | None = None) -> None:
        self._path = path
        self._time = time or RecordingTime()
        self._tally = tally or SourceTally()
        self._recording: Recording | None = None
        self._frames: Iterator[Frame] = iter(())
        self._reading = Lock()  # FFmpeg must not be closed while another thread decodes

    @property
    def description(self) -> str:
        """The path as it was given."""
        return str(self._path)

    @property
    def duration_s(self) -> Fraction | None:
        """Length as the file's header tells, while the file is open."""
        return self._recording.duration_s if self._recording else None

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
        self._recording = Recording(self._path, time=self._time, tally=self._tally)
        self._tally.connection = "online"
        self._frames = self._read(self._recording)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _read(self, recording: Recording) -> Iterator[Frame]:
        try:
            yield from map(Frame.of, recording.pictures())
        finally:
            self._tally.connection = "ended"

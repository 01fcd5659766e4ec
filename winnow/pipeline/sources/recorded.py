"""What all recordings have in common: every frame, in order, at the pace of whoever reads."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from threading import Lock
from types import TracebackType

from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.sources.frame import Frame


class RecordedSource:
    """A file or a folder of files, but for opening it: `__enter__` of each kind sets `_frames`, which `read` empties.

    Args:
        path: the file or folder.
        tally: what is counted; a folder's files share one.
    """

    is_live = False
    samples = False
    clock_source: ClockSource = "file"

    def __init__(self, path: Path, *, tally: SourceTally | None = None) -> None:
        self._path = path
        self._tally = tally or SourceTally()
        self._frames: Iterator[Frame] = iter(())
        self._reading = Lock()  # FFmpeg must not be closed while another thread decodes

    @property
    def description(self) -> str:
        """The path as it was given."""
        return str(self._path)

    @property
    def duration_s(self) -> Fraction | None:
        """Nobody knows; a single file may."""
        return None

    @property
    def stats(self) -> SourceStats:
        """What happened so far, over all files."""
        return self._tally.snapshot()

    def read(self, timeout_s: float | None = None) -> Frame | None:  # noqa: ARG002 - a recording keeps nobody waiting
        """Return the next frame, or None at the end.

        Raises:
            SourceError: the end is reached and not one frame could be had.
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
        """Free what is open, after the frame that is being read; there are no more."""
        with self._reading:
            self._frames = iter(())
            self._tally.connection = "ended"

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

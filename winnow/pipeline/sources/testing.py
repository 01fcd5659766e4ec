"""Fakes of the source seam: frames from memory."""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.source import ClockSource, SourceStats
from winnow.pipeline.sources.tally import SourceTally


class ScriptedSource:
    """Hands out the frames that it was given, as a recording does.

    Args:
        frames: in order of time.
        bytes_per_frame: what each adds to `stats.bytes_read`.
        description: shown to people.
        is_live: what the source says of itself; frames are never dropped either way.
    """

    def __init__(
        self,
        frames: Iterable[Frame],
        *,
        bytes_per_frame: int = 1000,
        description: str = "scripted",
        is_live: bool = False,
    ) -> None:
        self._waiting = deque(frames)
        self._bytes_per_frame = bytes_per_frame
        self._tally = SourceTally()
        self.description = description
        self.is_live = is_live
        self.clock_source: ClockSource = "wall" if is_live else "file"
        last = self._waiting[-1].stream_s if self._waiting else Fraction(0)
        self.duration_s: Fraction | None = None if is_live else last

    @property
    def stats(self) -> SourceStats:
        """What was handed out so far."""
        return self._tally.snapshot()

    def read(self, timeout_s: float | None = None) -> Frame | None:  # noqa: ARG002 - nothing to wait for
        """Return the next frame, or None when there is none left."""
        if not self._waiting:
            self._tally.connection = "ended"
            return None
        self._tally.frames_decoded += 1
        self._tally.bytes_read += self._bytes_per_frame
        return self._waiting.popleft()

    def __iter__(self) -> Iterator[Frame]:
        """Return the frames that are left."""
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        """Forget the frames that are left."""
        self._waiting.clear()
        self._tally.connection = "ended"

    def __enter__(self) -> Self:
        """Be ready to hand out frames."""
        self._tally.connection = "online"
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the frames that are left."""
        self.close()

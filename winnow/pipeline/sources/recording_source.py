"""What a folder needs of its files: a source of one recording, and where the last one ended."""

from pathlib import Path
from typing import Protocol

from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import StreamPosition
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.source import Source


class OpenRecording(Protocol):
    """Makes the source of one recording."""

    def __call__(self, path: Path, *, time: RecordingTime, tally: SourceTally | None = None) -> Source:
        """Return the source of the file at `path`; `with` opens it."""


def position_of(frame: Frame) -> StreamPosition:
    """Return where the next recording follows this frame."""
    return StreamPosition(stream_epoch=frame.stream_epoch, stream_s=frame.stream_s, first_read_mono_s=0.0)

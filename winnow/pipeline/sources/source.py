"""The seam between cameras and recordings on one side and the pipeline on the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Literal, Protocol, Self

from winnow.pipeline.sources.frame import Frame

ClockSource = Literal["file", "wall", "rtcp"]
"""Where `Frame.captured_at` comes from: a recording's start, this machine's clock, or the camera's own reports."""

Connection = Literal["connecting", "online", "offline", "ended"]
"""`ended` is final; the other three may follow each other in any order."""

DropReason = Literal["drop_oldest", "damaged"]
"""`drop_oldest`: a newer frame came before this one was read. `damaged`: the picture is, or follows, a damaged one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What of a stream could not be used.

    Attributes:
        corrupt_packets: packets that the container itself marks as broken.
        corrupt_frames: pictures that did not decode, or only with pieces made up by the decoder.
        is_truncated: the file ends before its own index says it should, or cannot be read on.
        skipped_files: files of a folder that gave no frame, with the reason.
    """

    corrupt_packets: int = 0
    corrupt_frames: int = 0
    is_truncated: bool = False
    skipped_files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.corrupt_packets or self.corrupt_frames or self.is_truncated or self.skipped_files)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStats:
    """What happened in a source so far.

    Attributes:
        bytes_read: compressed bytes of the video stream.
        frames_decoded: pictures that came out of the decoder, the dropped ones included.
        frames_dropped: decoded pictures that were never handed out, by reason.
        damage: what could not be used.
        connection: whether frames can be expected.
        reconnects: how often a lost connection was tried again.
        last_error: why the connection was last lost or refused, free of credentials.
    """

    bytes_read: int
    frames_decoded: int
    frames_dropped: Mapping[DropReason, int]
    damage: Damage
    connection: Connection
    reconnects: int = 0
    last_error: str | None = None


class Source(Protocol):
    """Frames of one camera or recording, in order of time.

    A source is opened by `with`, read by one thread, and may be closed by any.
    """

    @property
    def description(self) -> str:
        """What is read, for people: never with credentials."""

    @property
    def is_live(self) -> bool:
        """Whether frames that nobody reads in time are lost."""

    @property
    def clock_source(self) -> ClockSource:
        """Where `Frame.captured_at` comes from."""

    @property
    def duration_s(self) -> Fraction | None:
        """Length of a recording as its header tells, for progress bars; None where nobody knows."""

    @property
    def stats(self) -> SourceStats:
        """What happened so far; any thread may ask, also after `close()`."""

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the next frame; None when there will be none any more, or none came within `timeout_s`.

        `stats.connection` is `ended` in the first case. Recordings do not wait and ignore the timeout.

        Raises:
            SourceError: a recording is damaged so badly that not one frame could be read.
        """

    def __iter__(self) -> Iterator[Frame]:
        """Return the frames up to the end; a live source ends when it is closed."""

    def close(self) -> None:
        """Hand out no more frames; a read that waits returns None. Closing twice is harmless."""

    def __enter__(self) -> Self:
        """Open the source.

        Raises:
            SourceError: a recording cannot be read. A camera that does not answer is tried again in the background.
        """

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the source."""

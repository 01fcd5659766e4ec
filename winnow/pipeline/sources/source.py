"""The seam between cameras and recordings on one side and the pipeline on the other."""

from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self

from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.sources.frame import Frame


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
    def samples(self) -> bool:
        """Whether what is read are the frames that `sample` wants and no others."""

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

    def sample(self, rate: float | None) -> None:
        """Say that `rate` frames a second of stream time are enough; None wants all.

        A source that `samples` then hands out no others, and does not count them as dropped. The rest give every frame.
        """

    def rest(self, *, is_wanted: bool) -> None:
        """Say whether keyframes are enough for now: nothing has moved for long.

        A live source that can then decodes no more than those, and everything again by itself as soon as the stream
        tells that something moves. Recordings give every frame.
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

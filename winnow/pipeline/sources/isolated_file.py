"""A recording that nobody vouches for: decoded by a process of its own, which alone dies of what is wrong with it."""

import logging
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Self

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.errors import DecoderDiedError, SourceDamagedError
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.sources.counted import Counted
from winnow.pipeline.sources.decoder_process import DecoderProcess
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.recorded import RecordedSource
from winnow.runtime.clock import Clock

logger = logging.getLogger(__name__)


class IsolatedFileSource(RecordedSource):
    """The frames of one video file, the same as a `FileSource` gives.

    Where the decoder's process crashes, hangs or wants too much memory, the recording ends: it would do so again at the
    same place. That counts as a file which is cut short, and in `stats.decoder_restarts`.

    Args:
        path: the file.
        clock: times how long the decoder takes.
        settings: what the decoder may use.
        time: what gives the recording its time.
        tally: given by a folder, whose files share one count.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        settings: LiveSettings | None = None,
        time: RecordingTime | None = None,
        tally: SourceTally | None = None,
    ) -> None:
        super().__init__(path, tally=tally)
        order = DecoderOrder(
            address=str(path),
            kind=SourceKind.PATH,
            settings=settings or LiveSettings(),
            first_index=self._tally.frames_decoded,
            recording=time or RecordingTime(),
        )
        self._counted = Counted(self._tally)
        self._decoder = DecoderProcess(order, clock=clock)
        self._closing = Event()

    def close(self) -> None:
        """End the decoder; there are no more frames."""
        self._closing.set()
        self._decoder.close()  # a read that waits for it ends
        super().close()

    def __enter__(self) -> Self:
        """Open the file and decode its first frame.

        Raises:
            SourceNotFoundError: there is no such file.
            SourceUnreachableError: the file may not be read.
            SourceNotVideoError: it is no video that can be decoded.
            SourceDamagedError: not one frame could be had, or the decoder died of the first one.
        """
        self._decoder.__enter__()
        try:
            frames = self._read()
            self._frames = chain(tuple(islice(frames, 1)), frames)
        except BaseException:
            self._decoder.__exit__(None, None, None)
            raise
        self._tally.connection = "online"
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the decoder."""
        self.close()
        self._decoder.__exit__(exc_type, exc, trace)

    def _read(self) -> Iterator[Frame]:
        has_frame = False
        try:
            for picture in self._decoder.pictures():
                has_frame = True
                yield self._frame(picture)
        except DecoderDiedError as exc:
            if self._closing.is_set():
                return
            self._note_death(exc)
            if not has_frame:
                raise SourceDamagedError(self.description, "decoding it fails; get another copy") from exc
        finally:
            self._counted.add(self._decoder.progress())
            self._tally.connection = "ended"

    def _frame(self, picture: Picture) -> Frame:
        self._counted.add(self._decoder.progress())
        self._tally.codec = picture.codec or None
        return Frame.of(picture)

    def _note_death(self, exc: DecoderDiedError) -> None:
        logger.warning("a recording ends early", extra={"source": self.description, "reason": str(exc)})
        self._tally.is_truncated = True
        self._tally.decoder_restarts += 1
        self._tally.last_error = str(exc)

"""A folder into which somebody else puts recordings: each is read once it is complete."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final, Self

from winnow.pipeline.decoder.errors import SourceError, SourceNotFoundError, SourceUnreachableError
from winnow.pipeline.decoder.recording import RecordingTime
from winnow.pipeline.sources.arrivals import SETTLE_S, Arrivals, Stamp
from winnow.pipeline.sources.file import FileSource
from winnow.pipeline.sources.folder import VIDEO_SUFFIXES
from winnow.pipeline.sources.folder_memory import FolderMemory
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.recorded import RecordedSource
from winnow.pipeline.sources.recording_source import OpenRecording, position_of
from winnow.runtime.clock import Clock

if TYPE_CHECKING:
    from winnow.pipeline.decoder.timekeeping import StreamPosition

POLL_S: Final = 1.0
"""How often the folder is looked at while nothing is read."""

logger = logging.getLogger(__name__)


class WatchedFolderSource(RecordedSource):
    """Every frame of every recording that comes into a folder while it is watched; it never ends by itself.

    A recording's last frame was taken when its file was last changed. Each recording is a stream epoch of its own. One
    that gives no frame is named in `stats.damage.skipped_files` and passed over.

    With a memory, what came while nobody watched is read too, and a recording that was not read to its end is read
    again. The first time, and without a memory, what is there already is not read.

    Args:
        path: the folder.
        clock: times the looks at it.
        settle_s: how long a file must not change before it counts as complete.
        open_file: makes the source of one file.
        memory: remembers what was read.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock,
        settle_s: float = SETTLE_S,
        open_file: OpenRecording = FileSource,
        memory: FolderMemory | None = None,
    ) -> None:
        super().__init__(path)
        self._clock = clock
        self._settle_s = settle_s
        self._open_file = open_file
        self._memory = memory
        self._last: StreamPosition | None = None
        self._arrivals = Arrivals({})
        self._ready: deque[str] = deque()
        self._looked_at_mono_s: float | None = None
        self._closing = Event()

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the next frame; None after `close()`, or when no complete recording came in time."""
        until_s = float("inf") if timeout_s is None else self._clock.monotonic_s() + timeout_s
        while not self._closing.is_set():
            with self._reading:
                frame = self._next()
            left_s = until_s - self._clock.monotonic_s()
            if frame is not None or left_s <= 0:
                return frame
            self._clock.sleep(min(POLL_S, left_s))
        return None

    def close(self) -> None:
        """Watch no longer; a read that waits returns None."""
        self._closing.set()
        super().close()

    def __enter__(self) -> Self:
        """Begin to watch.

        Raises:
            SourceNotFoundError: there is no such folder.
            SourceUnreachableError: it may not be read.
        """
        if not self._path.is_dir():
            raise SourceNotFoundError(self.description, "no such folder; check the path")
        try:
            present = _listing(self._path)
        except OSError as exc:
            raise SourceUnreachableError(self.description, f"cannot be read: {exc.strerror}") from exc
        read = self._memory.load() if self._memory else None
        self._arrivals = Arrivals(present if read is None else read, settle_s=self._settle_s)
        self._remember()
        self._tally.connection = "online"
        return self

    def _next(self) -> Frame | None:
        """Return the next frame of what is complete by now."""
        while (frame := next(self._frames, None)) is None:
            if not self._ready:
                self._look()
            if not self._ready:
                return None
            self._frames = self._read(self._path / self._ready[0])
        return frame

    def _look(self) -> None:
        """Look at the folder, unless that was done a moment ago."""
        now_s = self._clock.monotonic_s()
        if self._looked_at_mono_s is None or now_s - self._looked_at_mono_s >= POLL_S:
            self._looked_at_mono_s = now_s
            try:
                listing = _listing(self._path)
            except OSError as exc:  # a share that is away: what it held is not forgotten
                logger.warning("the folder cannot be read", extra={"source": self.description, "reason": exc.strerror})
            else:
                self._ready += self._arrivals.complete(listing, now_s)

    def _read(self, path: Path) -> Iterator[Frame]:
        try:
            time = RecordingTime(ends_at=datetime.fromtimestamp(path.stat().st_mtime, UTC), after=self._last)
            first_index = self._tally.frames_decoded
            with self._open_file(path, time=time, tally=self._tally) as video:
                for frame in video:
                    self._last = position_of(frame)
                    yield frame
            frames = self._tally.frames_decoded - first_index
            logger.info("read a file of the folder", extra={"source": str(path), "frames": frames})
        except (SourceError, OSError) as exc:
            logger.warning("skipped a file of the folder", extra={"reason": str(exc)})
            self._tally.skipped_files.append(str(exc))
        self._tally.connection = "online"
        self._ready.popleft()
        self._remember()

    def _remember(self) -> None:
        """Keep which recordings are done with."""
        if self._memory is not None:
            handled = self._arrivals.handled()
            self._memory.keep({name: stamp for name, stamp in handled.items() if name not in self._ready})


def _listing(folder: Path) -> dict[str, Stamp]:
    """Return the videos of a folder.

    Raises:
        OSError: the folder cannot be read.
    """
    found: dict[str, Stamp] = {}
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # it went while the folder was read
            if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
                stat = path.stat()
                found[path.name] = (stat.st_size, stat.st_mtime_ns)
    return found

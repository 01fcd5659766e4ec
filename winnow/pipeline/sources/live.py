"""A camera: always the newest frame, and a new try whenever the connection is lost."""

import logging
from collections.abc import Callable, Iterator
from fractions import Fraction
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Final, Self

import av
from av.container import InputContainer

from winnow.pipeline.sources.addresses import redact_url, source_kind
from winnow.pipeline.sources.containers import LiveSettings, open_live, unreachable
from winnow.pipeline.sources.decoding import FrameReader, video_stream
from winnow.pipeline.sources.errors import SourceError, SourceNotVideoError, SourceUnreachableError
from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.source import ClockSource, SourceStats
from winnow.pipeline.sources.tally import SourceTally
from winnow.pipeline.sources.timekeeping import LiveTime
from winnow.runtime.clock import Clock
from winnow.runtime.retry import Backoff

CLOSE_TIMEOUT_S: Final = 1.0
"""How long `close()` waits for the decoding thread, which may sit in a read of FFmpeg until the read timeout and then
ends by itself."""

_PAUSE_STEP_S: Final = 0.2
"""A wait between two tries is cut into steps of this length, so that closing never waits for it."""

_UNTIMED_FORMATS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})
"""FFmpeg's names of streams without time stamps: it would invent 25 frames a second for them."""

logger = logging.getLogger(__name__)


class LiveSource:
    """The newest frame of one camera, decoded by one thread of its own.

    A frame that is not read before the next one is there is dropped and counted as `drop_oldest`. A lost connection is
    tried again for ever, after 1 s at first and at most 60 s, and starts a new stream epoch.

    Args:
        address: URL of a camera or server, or a webcam's `/dev/videoN`.
        clock: times frames and waits.
        settings: timeouts and delays.
        backoff: the delays between two tries; made from the settings if not given.
        connect: opens one connection; given by tests.
    """

    is_live = True
    clock_source: ClockSource = "wall"
    duration_s: Fraction | None = None

    def __init__(
        self,
        address: str,
        *,
        clock: Clock,
        settings: LiveSettings | None = None,
        backoff: Backoff | None = None,
        connect: Callable[[], InputContainer] | None = None,
    ) -> None:
        self._address = address
        self._clock = clock
        self._settings = settings or LiveSettings()
        self._backoff = backoff or Backoff(
            first_s=self._settings.reconnect_first_s, limit_s=self._settings.reconnect_limit_s
        )
        self._connect = connect or self._open
        self._kind = source_kind(address)
        self._timekeeper = LiveTime(clock)
        self._tally = SourceTally()
        self._newest: Frame | None = None
        self._changed = Condition()
        self._closing = Event()
        self._thread = Thread(target=self._run, name=f"decode {self.description}", daemon=True)

    @property
    def description(self) -> str:
        """The address without its credentials."""
        return redact_url(self._address)

    @property
    def stats(self) -> SourceStats:
        """What happened so far."""
        return self._tally.snapshot()

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the newest frame that was not read yet; None after `close()`, or when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._closing.is_set(), timeout_s)
            frame, self._newest = self._newest, None
        return None if self._closing.is_set() else frame

    def __iter__(self) -> Iterator[Frame]:
        """Return newest frames until the source is closed."""
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        """Stop decoding; a read that waits returns None. Returns within about a second."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_TIMEOUT_S)
        self._tally.connection = "ended"

    def __enter__(self) -> Self:
        """Start to connect; frames come when the camera answers."""
        self._thread.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop decoding."""
        self.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._run_once()
            except SourceError as exc:
                self._note_lost(str(exc))
            except Exception:
                logger.exception("decoding failed", extra={"source": self.description})
                self._note_lost("decoding failed")
            self._pause(self._backoff.next_delay_s())

    def _run_once(self) -> None:
        """Read one connection until it is lost or the source is closed.

        Raises:
            SourceError: the connection was refused or lost.
        """
        with self._connect() as container:
            stream = video_stream(container)
            if stream is None:
                raise SourceNotVideoError(self.description, "no video in this stream; check the address")
            self._timekeeper.restart()
            self._timekeeper.follows_arrival = container.format.name in _UNTIMED_FORMATS
            reader = FrameReader(container, stream, timekeeper=self._timekeeper, tally=self._tally)
            try:
                self._receive(reader)
            except av.FFmpegError as exc:
                raise unreachable(self._address, exc) from None  # FFmpeg's error carries the address, with its password
        if not self._closing.is_set():
            raise SourceUnreachableError(self.description, "the stream ended; trying again")

    def _receive(self, reader: FrameReader) -> None:
        online_since_s: float | None = None
        for frame in reader.frames():
            if self._closing.is_set():
                return
            now_s = self._clock.monotonic_s()
            if online_since_s is None:
                online_since_s = now_s
                self._note_online()
            elif now_s - online_since_s >= self._settings.settled_after_s:
                self._backoff.reset()
            self._offer(frame)

    def _offer(self, frame: Frame) -> None:
        with self._changed:
            if self._newest is not None:
                self._tally.dropped["drop_oldest"] += 1
            self._newest = frame
            self._changed.notify_all()

    def _note_online(self) -> None:
        self._tally.connection = "online"
        logger.info("camera online", extra={"source": self.description})

    def _note_lost(self, reason: str) -> None:
        if self._closing.is_set():
            return
        if self._tally.connection != "offline":
            logger.warning("camera offline", extra={"source": self.description, "reason": reason})
        self._tally.connection = "offline"
        self._tally.reconnects += 1
        self._tally.last_error = reason

    def _pause(self, seconds: float) -> None:
        until_s = self._clock.monotonic_s() + seconds
        while not self._closing.is_set() and (left_s := until_s - self._clock.monotonic_s()) > 0:
            self._clock.sleep(min(left_s, _PAUSE_STEP_S))

    def _open(self) -> InputContainer:
        return open_live(self._address, self._kind, self._settings)

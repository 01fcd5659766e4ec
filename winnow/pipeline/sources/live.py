"""A camera: always the newest frame, and a new try whenever the connection is lost."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from fractions import Fraction
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Final, Protocol, Self

from winnow.pipeline.decoder.addresses import redact_url, source_kind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.control import Progress
from winnow.pipeline.decoder.errors import DecoderDiedError, SourceError
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import StreamPosition
from winnow.pipeline.sources.counted import Counted
from winnow.pipeline.sources.decoder_process import DecoderProcess
from winnow.pipeline.sources.frame import Frame
from winnow.runtime.clock import Clock
from winnow.runtime.retry import Backoff

CLOSE_TIMEOUT_S: Final = 5.0
"""How long `close()` waits for the thread: it ends as soon as its decoder's process is gone."""

_PAUSE_STEP_S: Final = 0.2
"""A wait between two tries is cut into steps of this length, so that closing never waits for it."""

logger = logging.getLogger(__name__)


class Decoder(Protocol):
    """One connection to a camera."""

    def pictures(self) -> Iterator[Picture]:
        """Return its pictures until it is lost, which is an error; a decoder that is closed has no more."""

    def progress(self) -> Progress:
        """Return what was counted so far; `frames_decoded` goes on from the order's `first_index`."""

    def sample(self, rate: float | None) -> None:
        """Give only so many pictures a second from now on, from any thread."""

    def rest(self, *, is_wanted: bool) -> None:
        """Give keyframes only from now on where the stream allows it, or everything again, from any thread."""

    def close(self) -> None:
        """End it, from any thread."""


Connect = Callable[[DecoderOrder], AbstractContextManager[Decoder]]


class LiveSource:
    """The newest frame of one camera, decoded by one process of its own.

    A frame that is not read before the next one is there is dropped and counted as `drop_oldest`. A lost connection is
    tried again for ever, after 1 s at first and at most 60 s, and starts a new stream epoch. A decoder that crashes,
    hangs or wants too much memory is replaced at once; only one that does so again and again has to wait.

    Args:
        address: URL of a camera or server, or a webcam's `/dev/videoN`.
        clock: times waits.
        settings: timeouts and delays.
        backoff: the delays between two tries; made from the settings if not given.
        connect: opens one connection; given by tests.
        share: at which share of the time between two sampled frames they are to arrive, see `sampling`.
        camera: its name, for the log.
    """

    is_live = True
    samples = True
    duration_s: Fraction | None = None

    def __init__(  # noqa: PLR0913 - what a connection depends on
        self,
        address: str,
        *,
        clock: Clock,
        settings: LiveSettings | None = None,
        backoff: Backoff | None = None,
        connect: Connect | None = None,
        share: float = 0.0,
        camera: str = "",
    ) -> None:
        self.clock_source: ClockSource = "wall"
        self._address = address
        self._clock = clock
        self._settings = settings or LiveSettings()
        self._rate: float | None = None
        self._share = share
        self._named = {"camera": camera, "source": self.description} if camera else {"source": self.description}
        self._backoff = backoff or Backoff(
            first_s=self._settings.reconnect_first_s, limit_s=self._settings.reconnect_limit_s
        )
        self._connect = connect or (lambda order: DecoderProcess(order, clock=clock))
        self._kind = source_kind(address)
        self._tally = SourceTally()
        self._position: StreamPosition | None = None
        self._decoder: Decoder | None = None
        self._rests = False
        self._died_at_mono_s: float | None = None
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

    def sample(self, rate: float | None) -> None:
        """Hand out only so many frames a second of stream time from now on."""
        self._rate = rate
        decoder = self._decoder
        if decoder is not None:
            decoder.sample(rate)

    def rest(self, *, is_wanted: bool) -> None:
        """Decode keyframes only from now on, or everything again; a new connection starts with everything."""
        decoder = self._decoder
        if decoder is not None and is_wanted != self._rests:
            self._rests = is_wanted
            decoder.rest(is_wanted=is_wanted)

    def __iter__(self) -> Iterator[Frame]:
        """Return newest frames until the source is closed."""
        while (frame := self.read()) is not None:
            yield frame

    def close(self) -> None:
        """Stop decoding; a read that waits returns None."""
        self._closing.set()
        with self._changed:
            self._changed.notify_all()
        decoder = self._decoder
        if decoder is not None:
            decoder.close()
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
            delay_s = self._run_once()
            self._pause(delay_s)

    def _run_once(self) -> float:
        """Read one connection until it is lost or the source is closed; return how long to wait before the next."""
        try:
            self._watch()
        except DecoderDiedError as exc:
            self._note_lost(str(exc))
            return self._delay_after_death_s()
        except SourceError as exc:
            self._note_lost(str(exc))
        except Exception:
            logger.exception("decoding failed", extra={"source": self.description})
            self._note_lost("decoding failed")
        return self._backoff.next_delay_s()

    def _watch(self) -> None:
        """Read one connection.

        Raises:
            SourceError: it was refused or lost.
        """
        order = DecoderOrder(
            address=self._address,
            kind=self._kind,
            settings=self._settings,
            rate=self._rate,
            share=self._share,
            first_index=self._tally.frames_decoded,
            after=self._position,
        )
        counted = Counted(self._tally)
        with self._connect(order) as decoder:
            self._decoder, self._rests = decoder, False
            decoder.sample(self._rate)  # it may have changed since the order
            if self._closing.is_set():
                return
            try:
                self._receive(decoder, counted)
            finally:
                counted.add(decoder.progress())
                self._decoder = None

    def _receive(self, decoder: Decoder, counted: Counted) -> None:
        online_since_s: float | None = None
        for picture in decoder.pictures():
            if self._closing.is_set():
                return
            counted.add(decoder.progress())
            self._tally.codec = picture.codec or None
            now_s = self._clock.monotonic_s()
            if online_since_s is None:
                online_since_s = now_s
                self._note_online()
            elif now_s - online_since_s >= self._settings.settled_after_s:
                self._backoff.reset()
            self._offer(Frame.of(picture))

    def _offer(self, frame: Frame) -> None:
        first_read_mono_s = self._position.first_read_mono_s if self._position else frame.read_at_mono_s
        self._position = StreamPosition(
            stream_epoch=frame.stream_epoch, stream_s=frame.stream_s, first_read_mono_s=first_read_mono_s or 0.0
        )
        self.clock_source = frame.clock_source
        with self._changed:
            if self._newest is not None:
                self._tally.dropped["drop_oldest"] += 1
            self._newest = frame
            self._changed.notify_all()

    def _note_online(self) -> None:
        self._tally.connection = "online"
        logger.info("Camera online", extra=self._named)

    def _note_lost(self, reason: str) -> None:
        if self._closing.is_set():
            return
        if self._tally.connection != "offline":
            said = reason.removeprefix(f"{self.description}: ")
            logger.warning("Camera offline", extra=self._named | {"reason": said})
        self._tally.last_error = reason
        self._tally.connection = "offline"
        self._tally.reconnects += 1

    def _delay_after_death_s(self) -> float:
        """Return 0 for a decoder that died for the first time in a while, else what the backoff says."""
        if not self._closing.is_set():
            self._tally.decoder_restarts += 1
        now_s, before_s = self._clock.monotonic_s(), self._died_at_mono_s
        self._died_at_mono_s = now_s
        is_first = before_s is None or now_s - before_s > self._settings.settled_after_s
        return 0.0 if is_first else self._backoff.next_delay_s()

    def _pause(self, seconds: float) -> None:
        until_s = self._clock.monotonic_s() + seconds
        while not self._closing.is_set() and (left_s := until_s - self._clock.monotonic_s()) > 0:
            self._clock.sleep(min(left_s, _PAUSE_STEP_S))

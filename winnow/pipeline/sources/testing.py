"""Fakes of the source seam: frames from memory, and a camera's server on the loopback interface."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer

from winnow.pipeline.decoder.addresses import redact_url
from winnow.pipeline.decoder.control import DecoderStep, Progress
from winnow.pipeline.decoder.errors import SourceUnreachableError
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.reader import PictureReader, video_stream
from winnow.pipeline.decoder.stats import ClockSource, SourceStats
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import LiveTime
from winnow.pipeline.sources.frame import Frame
from winnow.runtime.clock import Clock


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
        self.samples = False
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

    def sample(self, rate: float | None) -> None:
        """Change nothing: every frame is handed out."""

    def rest(self, *, is_wanted: bool) -> None:
        """Change nothing: every frame is handed out."""

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


class InProcessDecoder:
    """Decodes an opened container in this process, with times by the test's clock, as a camera's process does.

    Args:
        container: closed when the decoder is.
        order: where the connection before this one ended; how often pictures are wanted is not looked at.
        clock: times the pictures.
    """

    def __init__(self, container: InputContainer, order: DecoderOrder, clock: Clock) -> None:
        self._container = container
        self._order = order
        self._clock = clock
        self._tally = SourceTally()
        self._tally.frames_decoded = order.first_index

    def pictures(self) -> Iterator[Picture]:
        """Return every picture, then fail as a connection does that ends."""
        stream = video_stream(self._container)
        if stream is not None:
            timekeeper = LiveTime(self._clock, after=self._order.after)
            yield from PictureReader(self._container, stream, timekeeper=timekeeper, tally=self._tally).pictures()
        raise SourceUnreachableError(redact_url(self._order.address), "the stream ended; trying again")

    def progress(self) -> Progress:
        """Return what was counted so far."""
        return Progress(
            step=DecoderStep.READ, bytes_read=self._tally.bytes_read, frames_decoded=self._tally.frames_decoded
        )

    def sample(self, rate: float | None) -> None:
        """Change nothing: every picture is given."""

    def rest(self, *, is_wanted: bool) -> None:
        """Change nothing: every picture is given."""

    def close(self) -> None:
        """Do nothing: pictures may still be read."""

    def __enter__(self) -> Self:
        """Be ready."""
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the container."""
        self._container.close()


def transport_stream(recording: Path) -> bytes:
    """Return the video of an MP4 file as MPEG transport stream, the way cameras send it."""
    out = BytesIO()
    with av.open(str(recording)) as clip, av.open(out, "w", format="mpegts") as stream:
        video = stream.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux(video=0):
            if packet.size:
                packet.stream = video
                stream.mux(packet)
    return out.getvalue()


@contextmanager
def serve_stream(parts: Callable[[Event], Iterable[bytes]], *, content_type: str) -> Iterator[str]:
    """Serve `parts` to whoever connects to the loopback interface, as a camera does, and yield the URL.

    Args:
        parts: called once a connection, makes what is sent over it; its event is set when the block ends.
        content_type: MIME type of the answer.
    """
    stopping = Event()

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            with suppress(ConnectionError):
                for part in parts(stopping):
                    self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Keep requests out of the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="camera")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stream"
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""Cameras that are fast, slow, silent, away, and come back."""

import logging
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Final

import av
import cv2
import numpy as np
import pytest
from av.container import InputContainer

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.order import DecoderOrder
from winnow.pipeline.sources import Frame, LiveSettings, LiveSource, SourceUnreachableError
from winnow.pipeline.sources.testing import InProcessDecoder, serve_stream, transport_stream
from winnow.runtime.clock import SystemClock
from winnow.runtime.retry import Backoff
from winnow.runtime.testing import ManualClock

CLIP: Final = Path(__file__).parents[4] / "sample_videos" / "line_crossing.mp4"
URL: Final = "rtsp://admin:hunter2@camera.example/stream"
WAIT_S: Final = 20
"""How long a test waits for something that must happen."""

Connect = Callable[[], InputContainer]


class RecordingBackoff(Backoff):
    """A backoff without jitter that keeps the delays it gave."""

    def __init__(self) -> None:
        super().__init__(first_s=1, limit_s=60, jitter=0)
        self.delays_s: list[float] = []

    def next_delay_s(self) -> float:
        """Return the next delay, and keep it."""
        delay_s = super().next_delay_s()
        self.delays_s.append(delay_s)
        return delay_s


class TickingClock(ManualClock):
    """A clock on which every look takes a second: connections that give many frames last long."""

    def monotonic_s(self) -> float:
        """Return the time, a second later than at the last look."""
        self.advance(1)
        return super().monotonic_s()


class Camera:
    """Answers each connection as the script says, then keeps the next one waiting until the test is over."""

    def __init__(self, *script: Connect) -> None:
        self._script = list(script)
        self.is_waiting = Event()
        self.is_over = Event()

    def connect(self) -> InputContainer:
        """Return the next connection."""
        if self._script:
            return self._script.pop(0)()
        self.is_waiting.set()
        self.is_over.wait(WAIT_S)
        raise SourceUnreachableError(URL, "the test is over")

    def wait(self) -> None:
        """Return when the script has been played."""
        assert self.is_waiting.wait(WAIT_S)


def _shows_the_clip() -> InputContainer:
    return av.open(str(CLIP))


def _is_away() -> InputContainer:
    raise SourceUnreachableError("rtsp://***@camera.example/stream", "connection refused")


def _breaks() -> InputContainer:
    raise RuntimeError("a bug")


@pytest.fixture
def watch() -> Iterator[Callable[..., tuple[LiveSource, Camera]]]:
    """Return a function that opens a live source on a scripted camera; everything is closed after the test."""
    opened: list[tuple[LiveSource, Camera]] = []

    def open_camera(
        *script: Connect, clock: ManualClock | None = None, backoff: Backoff | None = None
    ) -> tuple[LiveSource, Camera]:
        camera = Camera(*script)
        times = clock or ManualClock()
        source = LiveSource(
            URL,
            clock=times,
            backoff=backoff,
            connect=lambda order: InProcessDecoder(camera.connect(), order, times),
            camera="yard",
        )
        opened.append((source, camera))
        source.__enter__()
        return source, camera

    yield open_camera
    for source, camera in opened:
        camera.is_over.set()
        source.close()


Watch = Callable[..., tuple[LiveSource, Camera]]


def _clip_once(_: Event) -> Iterator[bytes]:
    yield transport_stream(CLIP)


def _clip_then_silence(stopping: Event) -> Iterator[bytes]:
    yield transport_stream(CLIP)
    stopping.wait(WAIT_S)


def _slow_jpegs(stopping: Event) -> Iterator[bytes]:
    for level in range(100):
        if stopping.wait(0.1):
            return
        _, jpeg = cv2.imencode(".jpg", np.full((96, 128, 3), level, np.uint8))
        header = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        yield header.encode() + jpeg.tobytes() + b"\r\n"


def _until(is_true: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + WAIT_S
    while not is_true() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return is_true()


def test_only_the_newest_frame_waits(watch: Watch) -> None:
    """After 110 frames that nobody read, the last one is handed out and 109 are counted as dropped."""
    source, camera = watch(_shows_the_clip)
    camera.wait()
    frame = source.read(WAIT_S)
    assert frame
    assert frame.index == 109
    assert source.stats.frames_decoded == 110
    assert source.stats.frames_dropped == {"drop_oldest": 109}


def test_read_gives_up_after_its_timeout(watch: Watch) -> None:
    """A pipeline that waits for a camera gets control back, and the source has not ended."""
    source, camera = watch()
    camera.wait()
    assert source.read(timeout_s=0.01) is None
    assert source.stats.connection != "ended"


def test_delays_double_up_to_a_minute(watch: Watch) -> None:
    """A camera that stays away is asked after 1, 2, 4 … 60, 60 seconds."""
    backoff = RecordingBackoff()
    clock = ManualClock()
    source, camera = watch(*[_is_away] * 8, clock=clock, backoff=backoff)
    camera.wait()
    assert backoff.delays_s == [1, 2, 4, 8, 16, 32, 60, 60]
    assert clock.monotonic_s() == pytest.approx(sum(backoff.delays_s))
    assert source.stats.reconnects == 8
    assert source.stats.connection == "offline"
    assert source.stats.last_error == "rtsp://***@camera.example/stream: connection refused"


def test_delay_starts_again_after_half_a_minute_of_frames(watch: Watch) -> None:
    """A camera that worked for a while is asked again after a second."""
    backoff = RecordingBackoff()
    _, camera = watch(_is_away, _is_away, _is_away, _shows_the_clip, _is_away, clock=TickingClock(), backoff=backoff)
    camera.wait()
    assert backoff.delays_s == [1, 2, 4, 1, 2]


def test_delay_goes_on_doubling_when_the_camera_works_only_shortly(watch: Watch) -> None:
    """A camera that gives a few frames and fails again does not reset the delay."""
    backoff = RecordingBackoff()
    _, camera = watch(_is_away, _shows_the_clip, _shows_the_clip, _is_away, backoff=backoff)
    camera.wait()
    assert backoff.delays_s == [1, 2, 4, 8]


def test_new_connection_starts_an_epoch_later_by_the_clock(watch: Watch) -> None:
    """Stream time counts the time without the camera; wall time is right again."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    source, camera = watch(_shows_the_clip, _is_away, _shows_the_clip, clock=clock, backoff=RecordingBackoff())
    camera.wait()
    frame = source.read(WAIT_S)
    assert frame
    assert frame.stream_epoch == 1
    assert frame.index == 219
    assert float(frame.stream_s) == pytest.approx(11.0 + 10.9, abs=0.2)


def test_unexpected_error_is_logged_and_the_camera_tried_again(
    watch: Watch, expects_error_log: list[logging.LogRecord]
) -> None:
    """A bug in one connection never ends the camera's thread."""
    source, camera = watch(_breaks, _shows_the_clip)
    camera.wait()
    assert source.read(WAIT_S)
    assert [record.getMessage() for record in expects_error_log] == ["decoding failed"]


def test_going_offline_is_logged_once(watch: Watch, caplog: pytest.LogCaptureFixture) -> None:
    """Many tries in vain are one warning, which names the camera and the reason; coming back is one more line."""
    with caplog.at_level(logging.INFO, "winnow.pipeline.sources.live"):
        _, camera = watch(_is_away, _is_away, _is_away, _shows_the_clip)
        camera.wait()
    assert [record.getMessage() for record in caplog.records] == ["Camera offline", "Camera online", "Camera offline"]
    assert {vars(record)["camera"] for record in caplog.records} == {"yard"}
    assert vars(caplog.records[0])["reason"] == "connection refused"


def test_close_does_not_wait_for_the_next_try() -> None:
    """A source whose camera is away for a minute is closed at once, and whoever reads gets None."""
    backoff = Backoff(first_s=60, limit_s=60)
    source = LiveSource(
        URL,
        clock=SystemClock(),
        backoff=backoff,
        connect=lambda _: InProcessDecoder(
            _is_away(), DecoderOrder(address=URL, kind=SourceKind.RTSP, settings=LiveSettings()), SystemClock()
        ),
    )
    with source:
        assert _until(lambda: source.stats.connection == "offline")
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 1
    assert source.read() is None
    assert source.stats.connection == "ended"


def test_silent_camera_is_lost_after_the_read_timeout() -> None:
    """A server that keeps the connection open and sends nothing more is given up, and asked again."""
    settings = LiveSettings(open_timeout_s=5, read_timeout_s=0.5, reconnect_first_s=0.1)
    with (
        serve_stream(_clip_then_silence, content_type="video/mp2t") as url,
        LiveSource(url, clock=SystemClock(), settings=settings) as source,
    ):
        assert source.read(WAIT_S)
        assert _until(lambda: source.stats.reconnects >= 2)
        assert source.stats.last_error == f"{url}: no answer in time; check address, credentials and network"


def test_close_does_not_wait_for_a_silent_camera() -> None:
    """FFmpeg may still wait for bytes; whoever closes does not wait longer than about a second."""
    settings = LiveSettings(open_timeout_s=5, read_timeout_s=3)
    with serve_stream(_clip_then_silence, content_type="video/mp2t") as url:
        with LiveSource(url, clock=SystemClock(), settings=settings) as source:
            assert source.read(WAIT_S)
            assert _until(lambda: source.read(timeout_s=0.3) is None)  # from here on FFmpeg waits for bytes
            started_s = time.monotonic()
        assert time.monotonic() - started_s < 2
        assert source.stats.connection == "ended"


def test_camera_that_comes_back_is_online_again() -> None:
    """The connection ends after each pass of the clip, and frames come again in a new epoch."""
    settings = LiveSettings(reconnect_first_s=0.1)
    with (
        serve_stream(_clip_once, content_type="video/mp2t") as url,
        LiveSource(url, clock=SystemClock(), settings=settings) as source,
    ):
        epochs = {frame.stream_epoch for frame, _ in zip(source, range(3), strict=False)}
        assert _until(lambda: source.stats.reconnects >= 2)
        epochs |= {frame.stream_epoch for frame, _ in zip(source, range(3), strict=False)}
    assert len(epochs) >= 2


def test_password_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    """The address of a camera that refuses the connection is shown without its credentials."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://admin:hunter2@127.0.0.1:{unused.getsockname()[1]}/stream?token=hunter2"
        with caplog.at_level(logging.DEBUG), LiveSource(address, clock=SystemClock()) as source:
            assert _until(lambda: source.stats.connection == "offline")
            stats = source.stats
    assert stats.last_error
    assert "connection refused" in stats.last_error
    told = repr(stats) + source.description + "".join(repr(vars(record)) for record in caplog.records)
    assert "Camera offline" in caplog.text
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>please log in</html>" * 50, "text/html"),
        (b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", "application/vnd.apple.mpegurl"),
    ],
    ids=["page", "playlist"],
)
def test_answer_that_is_no_video_is_an_error(body: bytes, content_type: str) -> None:
    """A login page and a playlist are refused; the camera stays offline and says so."""
    with (
        serve_stream(lambda _: [body], content_type=content_type) as url,
        LiveSource(url, clock=SystemClock()) as source,
    ):
        assert _until(lambda: source.stats.connection == "offline")
        assert (source.stats.last_error or "").startswith(url)
        assert "or no video that is read here (HLS playlists are not); check address" in (source.stats.last_error or "")
        assert source.stats.frames_decoded == 0


def test_motion_jpeg_is_timed_by_arrival() -> None:
    """Pictures without time stamps: time follows the clock to the microsecond, not the 25 a second of FFmpeg."""
    with (
        serve_stream(_slow_jpegs, content_type="multipart/x-mixed-replace;boundary=frame") as url,
        LiveSource(url, clock=SystemClock()) as source,
    ):
        frames: list[Frame] = []
        while len(frames) < 8:
            frame = source.read(WAIT_S)
            assert frame, source.stats
            frames.append(frame)
    arrived_s = [(frame.read_at_mono_s or 0) - (frames[0].read_at_mono_s or 0) for frame in frames]
    shown_s = [float(frame.stream_s - frames[0].stream_s) for frame in frames]
    invented_s = [(frame.index - frames[0].index) / 25 for frame in frames]
    assert shown_s == pytest.approx(arrived_s, abs=2e-6)
    assert shown_s != pytest.approx(invented_s, abs=0.001)
    assert all(before.stream_s < after.stream_s for before, after in pairwise(frames))

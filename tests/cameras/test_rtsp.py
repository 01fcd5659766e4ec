"""Cameras of a real RTSP server: every codec and transport, logins, and a power cut."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.cameras.footage import CODECS, encode
from tests.cameras.rtsp_server import RtspServer
from winnow.pipeline.decoder.connection import Transport
from winnow.pipeline.sources import Frame, LiveSettings, LiveSource
from winnow.runtime.clock import SystemClock

LOGIN: Final = ("admin", "hunter2")
WAIT_S: Final = 20
"""How long a test waits for something that must happen."""

QUICK: Final = LiveSettings(open_timeout_s=5, read_timeout_s=2, reconnect_first_s=0.2, reconnect_limit_s=0.5)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Path]]:
    """Return a recording of 33 seconds in every codec, and one with a variable frame rate, by camera."""
    folder = tmp_path_factory.mktemp("recordings")
    cameras = {codec: (codec, encode(folder / f"{codec}.mkv", codec, loops=3)) for codec in CODECS}
    return cameras | {"variable": ("h264", encode(folder / "variable.mkv", "h264", loops=3, skips=True))}


@pytest.fixture(scope="module")
def server(gstreamer_python: str, recordings: dict[str, tuple[str, Path]]) -> Iterator[RtspServer]:
    """Return a server that lets everybody in."""
    with RtspServer(gstreamer_python, recordings) as running:
        yield running


def _read(source: LiveSource, count: int) -> list[Frame]:
    frames = [source.read(WAIT_S) for _ in range(count)]
    assert all(frames), source.stats
    return [frame for frame in frames if frame]


def _until(is_true: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    deadline_s = time.monotonic() + within_s
    while not is_true() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return is_true()


@pytest.mark.parametrize(
    ("codec", "transport"), [("h264", "tcp"), ("h264", "udp"), ("hevc", "tcp"), ("mjpeg", "tcp"), ("mjpeg", "udp")]
)
def test_camera_is_watched(server: RtspServer, codec: str, transport: Transport) -> None:
    """Frames come in order, whole, and timed by the stream: ten a second, whatever codec and transport."""
    settings = replace(QUICK, rtsp_transport=transport)
    with LiveSource(server.url(codec), clock=SystemClock(), settings=settings) as source:
        frames = _read(source, 8)
    assert not source.stats.damage
    assert (frames[0].width, frames[0].height) == (320, 192)
    assert {frame.stream_epoch for frame in frames} == {0}
    steps = {after.stream_s - before.stream_s for before, after in pairwise(frames)}
    assert all(step > 0 and step % Fraction(1, 10) == 0 for step in steps)


def test_variable_rate_is_kept(server: RtspServer) -> None:
    """Steps of 1, 2 and 3 tenths of a second come as such."""
    with LiveSource(server.url("variable"), clock=SystemClock(), settings=QUICK) as source:
        frames = _read(source, 12)
    steps = {after.stream_s - before.stream_s for before, after in pairwise(frames) if after.index == before.index + 1}
    assert steps == {Fraction(1, 10), Fraction(2, 10), Fraction(3, 10)}


def test_first_frame_comes_soon(server: RtspServer) -> None:
    """A camera that starts with a keyframe is seen within a second and a half, not after seconds of probing."""
    with LiveSource(server.url("h264"), clock=SystemClock(), settings=QUICK) as source:
        assert source.read(1.5), source.stats


def test_camera_that_is_not_there_is_named(server: RtspServer) -> None:
    """An address that the server does not know is an error that says so, not a silent retry."""
    with LiveSource(server.url("nowhere"), clock=SystemClock(), settings=QUICK) as source:
        assert _until(lambda: source.stats.connection == "offline")
        assert source.stats.last_error
    assert "404 not found" in source.stats.last_error


def test_power_cut_is_survived(gstreamer_python: str, recordings: dict[str, tuple[str, Path]]) -> None:
    """When the camera is back on its old port it is watched again, in a new epoch, without anybody's help."""
    with (
        RtspServer(gstreamer_python, {"yard": recordings["h264"]}) as server,
        LiveSource(server.url("yard"), clock=SystemClock(), settings=QUICK) as source,
    ):
        (before,) = _read(source, 1)
        server.stop()
        assert _until(lambda: source.stats.connection == "offline")
        server.start()
        assert _until(lambda: source.stats.connection == "online")
        after = source.read(WAIT_S)
        while after is not None and after.stream_epoch == before.stream_epoch:
            after = source.read(WAIT_S)
        assert after
        assert after.stream_s > before.stream_s
        assert source.stats.reconnects >= 1


def test_login_is_used_and_never_shown(
    gstreamer_python: str, recordings: dict[str, tuple[str, Path]], caplog: pytest.LogCaptureFixture
) -> None:
    """A digest login opens the camera; a wrong one is named as that, and no password is in what anybody sees."""
    with (
        caplog.at_level(logging.DEBUG),
        RtspServer(gstreamer_python, {"yard": recordings["h264"]}, login=LOGIN) as server,
    ):
        with LiveSource(server.url("yard", login="admin:hunter2@"), clock=SystemClock(), settings=QUICK) as source:
            _read(source, 1)
            told = repr(source.stats) + source.description
        with LiveSource(server.url("yard", login="admin:hunter3@"), clock=SystemClock(), settings=QUICK) as source:
            assert _until(lambda: source.stats.connection == "offline")
            told += repr(source.stats) + source.description
    told += "".join(repr(vars(record)) for record in caplog.records)
    assert "401 unauthorized" in told
    assert "hunter" not in told

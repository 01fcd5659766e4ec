"""Cameras that refuse, hang, break off, and lie about time; and those beside them."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

import pytest

from tests.cameras.scripted_rtsp import RtspScript, scripted_camera
from winnow.pipeline.sources import Frame, LiveSettings, LiveSource
from winnow.runtime.clock import SystemClock

LOGIN: Final = "admin:hunter2@"
WAIT_S: Final = 20
HASTY: Final = LiveSettings(open_timeout_s=1, read_timeout_s=0.8, reconnect_first_s=0.2, reconnect_limit_s=0.4)
BROKEN: Final = {
    "hangs at connect": (RtspScript(silent_at="OPTIONS"), "no answer in time"),
    "says nothing": (RtspScript(silent_at="CONNECT"), "no answer in time"),
    "hangs at DESCRIBE": (RtspScript(silent_at="DESCRIBE"), "no answer in time"),
    "hangs at SETUP": (RtspScript(silent_at="SETUP"), "no answer in time"),
    "hangs at PLAY": (RtspScript(silent_at="PLAY"), "no answer in time"),
    "answers 401": (RtspScript(refuses_login=True), "401 unauthorized"),
    "falls silent": (RtspScript(pictures=5, ending="falls silent"), "no answer in time"),
    "cuts a packet off": (RtspScript(pictures=5, ending="cuts off"), "the stream ended"),
    "hangs up": (RtspScript(pictures=5, ending="hangs up"), "the stream ended"),
}
"""What the camera does, and what is said of it."""


def _until(is_true: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    deadline_s = time.monotonic() + within_s
    while not is_true() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return is_true()


def _read(source: LiveSource, count: int) -> list[Frame]:
    frames = [source.read(WAIT_S) for _ in range(count)]
    assert all(frames), source.stats
    return [frame for frame in frames if frame]


@pytest.mark.parametrize("script", [script for script, _ in BROKEN.values()], ids=list(BROKEN))
def test_broken_camera_is_given_up_in_time_and_watched_when_it_is_whole(script: RtspScript) -> None:
    """The error names what happened, without the login; the next connection, which works, gives frames."""
    said = next(text for one, text in BROKEN.values() if one is script)
    with (
        scripted_camera(script, RtspScript()) as camera,
        LiveSource(camera.url(LOGIN), clock=SystemClock(), settings=HASTY) as source,
    ):
        started_s = time.monotonic()
        assert _until(lambda: source.stats.reconnects > 0)
        assert time.monotonic() - started_s < 6  # five pictures at the longest, a timeout, and a busy machine
        error = source.stats.last_error or ""
        assert said in error
        assert "hunter2" not in error
        epoch = (source.read(0) or _read(source, 1)[0]).stream_epoch
        assert _until(lambda: source.stats.connection == "online")
        (frame, *_) = _read(source, 3)
        assert frame.stream_epoch >= epoch
        assert source.stats.decoder_restarts == 0


def test_refused_connections_come_further_and_further_apart() -> None:
    """Nobody listens: the tries are spread by the backoff, not a busy loop, and the reason is told."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    settings = LiveSettings(reconnect_first_s=0.2, reconnect_limit_s=60)
    with LiveSource(f"rtsp://127.0.0.1:{port}/yard", clock=SystemClock(), settings=settings) as source:
        assert _until(lambda: source.stats.reconnects >= 3)
        tries = source.stats.reconnects
        time.sleep(0.4)
        assert source.stats.reconnects <= tries + 1
        assert "connection refused" in (source.stats.last_error or "")


def test_time_that_starts_again_is_a_new_epoch() -> None:
    """A camera that plays a file in a loop: time never goes back, and each pass is an epoch of its own."""
    with (
        scripted_camera(RtspScript(loops_after=8)) as camera,
        LiveSource(camera.url(), clock=SystemClock()) as source,
    ):
        frames = _read(source, 20)
    assert len({frame.stream_epoch for frame in frames}) >= 3
    assert all(before.stream_s < after.stream_s for before, after in pairwise(frames))
    assert source.stats.reconnects == 0


def _seconds_ahead(frame: Frame) -> float:
    return (frame.captured_at - datetime.now(UTC)).total_seconds()


def _by_rtcp(source: LiveSource) -> Frame:
    """Return the first frame that is timed by the camera's own clock."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        (frame,) = _read(source, 1)
        if frame.clock_source == "rtcp":
            return frame
    raise AssertionError("no frame by the camera's clock")


@pytest.mark.parametrize("first_ticks", [1_000_000, 2**32 - 3 * 90_000], ids=["plain", "wraps"])
def test_frames_are_timed_by_the_sender_reports_of_the_camera(first_ticks: int) -> None:
    """A camera whose clock is 17 s ahead: so are its frames, exactly as far apart as its time stamps say.

    That holds while the 32-bit RTP time wraps: the wall time stays, and so does the epoch.
    """
    with (
        scripted_camera(RtspScript(clock_ahead_s=17, first_ticks=first_ticks)) as camera,
        LiveSource(camera.url(), clock=SystemClock()) as source,
    ):
        frames = [_by_rtcp(source)]
        while frames[-1].stream_s < 5:
            frames += _read(source, 1)
            assert -3 < _seconds_ahead(frames[-1]) - 17 < 0.1  # it may wait to be decoded, but is never early
        assert source.clock_source == "rtcp"
    assert {frame.clock_source for frame in frames} == {"rtcp"}
    assert {frame.stream_epoch for frame in frames} == {0}
    for before, after in pairwise(frames):
        passed_s = (after.captured_at - before.captured_at).total_seconds()
        assert passed_s == pytest.approx(float(after.stream_s - before.stream_s), abs=0.001)


def test_clock_that_is_far_off_is_not_believed() -> None:
    """A camera that thinks it is half an hour later is timed by this machine, and never into the future."""
    with (
        scripted_camera(RtspScript(clock_ahead_s=1800)) as camera,
        LiveSource(camera.url(), clock=SystemClock()) as source,
    ):
        frames = _read(source, 25)
        assert -1.5 < _seconds_ahead(frames[-1]) <= 0
    assert {frame.clock_source for frame in frames} == {"wall"}

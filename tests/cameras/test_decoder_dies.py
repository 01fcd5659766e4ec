"""A decoder that crashes, hangs or eats memory takes its own camera down for a moment, and nothing else."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Final

import cv2
import numpy as np
import pytest

from tests.cameras.http_cameras import endless_clip, http_camera
from winnow.pipeline.sources import Frame, LiveSettings, LiveSource
from winnow.pipeline.sources.decoder_process import DecoderProcess
from winnow.pipeline.sources.testing import serve_stream
from winnow.runtime.clock import SystemClock

CHECKOUT: Final = Path(__file__).parents[2]
WAIT_S: Final = 20
BACK_WITHIN_S: Final = 3


def _pid(source: LiveSource) -> int:
    decoder = source._decoder
    assert isinstance(decoder, DecoderProcess)
    return decoder.pid


def _next_epoch(source: LiveSource, stream_epoch: int) -> Frame:
    """Return the first frame of a later epoch."""
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        frame = source.read(WAIT_S)
        if frame is not None and frame.stream_epoch > stream_epoch:
            return frame
    raise AssertionError(source.stats)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def _until(is_true: Callable[[], bool], within_s: float = WAIT_S) -> bool:
    deadline_s = time.monotonic() + within_s
    while not is_true() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    return is_true()


@pytest.fixture(scope="module")
def camera() -> Iterator[str]:
    """Return the URL of a camera that shows ten pictures a second for ever."""
    with http_camera() as url:
        yield url


def test_decoder_gives_way_to_whoever_takes_its_pictures(camera: str) -> None:
    """Its process has a lower priority than ours: no number of decoders keeps their pictures from being read."""
    with LiveSource(camera, clock=SystemClock()) as source:
        assert source.read(WAIT_S)
        assert os.getpriority(os.PRIO_PROCESS, _pid(source)) > os.getpriority(os.PRIO_PROCESS, 0)


def test_interrupt_of_a_terminal_is_not_for_decoders(camera: str) -> None:
    """Ctrl-C goes to the terminal's process group: a decoder has its own from its start on, and goes on."""
    with LiveSource(camera, clock=SystemClock()) as source:
        assert _until(lambda: source._decoder is not None)
        assert os.getpgid(_pid(source)) == _pid(source) != os.getpgid(0)


@pytest.mark.parametrize("fatal", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_camera_is_back_soon_after_its_decoder_crashed(camera: str, fatal: signal.Signals) -> None:
    """Frames come again within three seconds, in a new epoch; the crash is counted and named."""
    with LiveSource(camera, clock=SystemClock()) as source:
        before = source.read(WAIT_S)
        assert before
        os.kill(_pid(source), fatal)
        crashed_s = time.monotonic()
        after = _next_epoch(source, before.stream_epoch)
        assert time.monotonic() - crashed_s < BACK_WITHIN_S
        assert after.index > before.index
        assert after.stream_s > before.stream_s
        assert source.stats.decoder_restarts == 1
        assert f"the decoder crashed ({fatal.name})" in (source.stats.last_error or "")


def test_camera_is_back_soon_after_its_decoder_stopped_dead(camera: str) -> None:
    """A process that does nothing any more is noticed by its missing beat, ended and replaced."""
    with LiveSource(camera, clock=SystemClock()) as source:
        before = source.read(WAIT_S)
        assert before
        pid = _pid(source)
        os.kill(pid, signal.SIGSTOP)
        stopped_s = time.monotonic()
        _next_epoch(source, before.stream_epoch)
        assert time.monotonic() - stopped_s < BACK_WITHIN_S + 0.5  # the last beat may be half a second old
        assert _is_gone(pid)
        assert "the decoder hung (no sign of life" in (source.stats.last_error or "")


def test_decoder_that_keeps_crashing_has_to_wait(camera: str) -> None:
    """The first new start is at once; from the second crash on the delays of lost connections apply."""
    settings = LiveSettings(reconnect_first_s=1)
    with LiveSource(camera, clock=SystemClock(), settings=settings) as source:
        before = source.read(WAIT_S)
        assert before
        os.kill(_pid(source), signal.SIGSEGV)
        again = _next_epoch(source, before.stream_epoch)
        os.kill(_pid(source), signal.SIGSEGV)
        crashed_s = time.monotonic()
        _next_epoch(source, again.stream_epoch)
        assert time.monotonic() - crashed_s > 0.7
        assert source.stats.decoder_restarts == 2


def _jpegs(*pictures: bytes) -> bytes:
    return b"".join(
        b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(one), one) for one in pictures
    )


def test_picture_of_absurd_size_costs_its_own_decoder_only() -> None:
    """A picture of 8000 x 8000 pixels meets the limit of memory; the next connection is watched as ever."""
    small, huge = (cv2.imencode(".jpg", np.zeros((side, side, 3), np.uint8))[1].tobytes() for side in (96, 8000))
    connections: list[int] = []

    def show(stopping: Event) -> Iterator[bytes]:
        connections.append(1)
        while not stopping.wait(0.1):
            yield _jpegs(small)
            if len(connections) == 1:
                yield _jpegs(huge)

    settings = LiveSettings(decoder_memory_bytes=96 * 1024 * 1024, reconnect_first_s=0.2)
    with (
        serve_stream(show, content_type="multipart/x-mixed-replace;boundary=frame") as url,
        LiveSource(url, clock=SystemClock(), settings=settings) as source,
    ):
        assert _until(lambda: source.stats.decoder_restarts == 1), source.stats
        assert "needs too much memory" in (source.stats.last_error or "")
        assert _until(lambda: len(connections) > 1 and source.read(0.5) is not None)


def test_no_decoder_outlives_its_owner(camera: str) -> None:
    """When the edge is killed outright, even a decoder that is stopped dead goes with it."""
    script = textwrap.dedent(
        f"""
        import os, signal, time
        from winnow.pipeline.sources import LiveSource
        from winnow.runtime.clock import SystemClock
        with LiveSource({camera!r}, clock=SystemClock()) as source:
            assert source.read(20)
            pid = source._decoder.pid
            os.kill(pid, signal.SIGSTOP)
            print(pid, flush=True)
            time.sleep(60)
        """
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate(timeout=WAIT_S)
    assert _until(lambda: _is_gone(pid), within_s=3)


def test_closing_ends_the_process_at_once(camera: str) -> None:
    """Nothing is left a moment after `close`."""
    with LiveSource(camera, clock=SystemClock()) as source:
        assert source.read(WAIT_S)
        pid = _pid(source)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 1
    assert _is_gone(pid)


def test_decoder_is_small() -> None:
    """What a decoder's process imports is FFmpeg and the standard library: no numpy, no OpenCV, no model runtime."""
    script = (
        "import sys, winnow.pipeline.decoder.child as _; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    assert not {"numpy", "cv2", "onnxruntime", "scipy", "pydantic", "msgspec"} & set(told.stdout.split())
    assert "av" in told.stdout.split()


def test_clip_of_the_tests_is_paced() -> None:
    """The tests' own camera gives ten pictures a second and nothing at once (else the tests above prove little)."""
    stopping = Event()
    started_s = time.monotonic()
    for _, _ in zip(range(5), endless_clip(stopping), strict=False):
        pass
    assert time.monotonic() - started_s > 0.35

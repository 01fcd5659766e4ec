"""A camera in whose picture nothing moves decodes its keyframes only, in its decoder's own process."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import pytest

from tests.cameras import footage
from tests.cameras.http_cameras import endless_clip, http_camera
from tests.cameras.scripted_rtsp import RtspScript, scripted_camera
from winnow.pipeline.sources import Frame, LiveSource
from winnow.runtime.clock import SystemClock

WAIT_S: Final = 20
FRAME_RATE: Final = 40
"""The clip has a keyframe every ten pictures: four a second at this pace."""


def _frames(source: LiveSource, count: int) -> list[Frame]:
    frames = [source.read(WAIT_S) for _ in range(count)]
    assert all(frames), source.stats
    return [frame for frame in frames if frame]


@contextmanager
def _camera(speaks: str) -> Iterator[str]:
    """Serve the clip as a camera while the block runs; yield its URL."""
    if speaks == "http":
        with http_camera(partial(endless_clip, frame_rate=FRAME_RATE)) as url:
            yield url
    else:
        with scripted_camera(RtspScript(speed=FRAME_RATE // footage.FRAME_RATE)) as camera:
            yield camera.url()


@pytest.mark.parametrize("speaks", ["http", "rtsp"])
def test_resting_camera_gives_keyframes_and_wakes_where_it_is(speaks: str) -> None:
    """Keyframes alone while keyframes are enough, every picture afterwards, all in one epoch of the stream's time."""
    with _camera(speaks) as url, LiveSource(url, clock=SystemClock()) as source:
        awake = _frames(source, 15)
        source.rest(is_wanted=True)
        deadline_s = time.monotonic() + WAIT_S
        while not source.stats.frames_skipped and time.monotonic() < deadline_s:
            source.read(WAIT_S)
        resting = _frames(source, 4)
        source.rest(is_wanted=False)
        _frames(source, 1)
        woken = _frames(source, 12)
        assert any(not frame.is_key for frame in awake)
        assert all(frame.is_key for frame in resting)
        assert any(not frame.is_key for frame in woken)
        assert source.stats.frames_skipped >= 9 * 3
        assert {frame.stream_epoch for frame in (*awake, *resting, *woken)} == {0}

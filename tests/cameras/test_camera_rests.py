"""A camera in whose picture nothing moves decodes its keyframes only, in its decoder's own process."""

import time
from functools import partial
from typing import Final

from tests.cameras.http_cameras import endless_clip, http_camera
from winnow.pipeline.sources import Frame, LiveSource
from winnow.runtime.clock import SystemClock

WAIT_S: Final = 20
FRAME_RATE: Final = 40
"""The clip has a keyframe every ten pictures: four a second at this pace."""


def _frames(source: LiveSource, count: int) -> list[Frame]:
    frames = [source.read(WAIT_S) for _ in range(count)]
    assert all(frames), source.stats
    return [frame for frame in frames if frame]


def test_resting_camera_gives_keyframes_and_wakes_where_it_is() -> None:
    """Keyframes alone while keyframes are enough, every picture afterwards, all in one epoch of the stream's time."""
    with (
        http_camera(partial(endless_clip, frame_rate=FRAME_RATE)) as url,
        LiveSource(url, clock=SystemClock()) as source,
    ):
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

"""Webcams, as far as they can be tried without one: how they are opened, and what is told of one that is not there."""

import os
import time
from pathlib import Path

import av
import pytest

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.containers import DEVICE_ADVICE, open_live, unreachable
from winnow.pipeline.decoder.errors import SourceUnreachableError
from winnow.pipeline.sources import LiveSource
from winnow.runtime.clock import SystemClock

DEVICE = "/dev/video63"
CLIP = Path(__file__).parents[2] / "sample_videos" / "line_crossing.mp4"


@pytest.fixture(autouse=True)
def absent() -> None:
    """Make sure that there is no such device."""
    assert not Path(DEVICE).exists()


def test_webcam_that_is_not_there_is_named() -> None:
    """The reason names the device and what is wrong with it, and the camera is tried again."""
    settings = LiveSettings(reconnect_first_s=0.1, reconnect_limit_s=0.1)
    with LiveSource(DEVICE, clock=SystemClock(), settings=settings) as source:
        until_s = time.monotonic() + 10
        while source.stats.reconnects < 2:
            assert time.monotonic() < until_s, source.stats
            time.sleep(0.05)
    reason = source.stats.last_error or ""
    assert reason.startswith(f"{DEVICE}: ")
    assert "no such file or directory; plug the webcam in, or name another device (ls /dev/video*)" in reason


def test_webcam_is_opened_by_video4linux_alone() -> None:
    """The format is fixed: a file of video in the device's place is refused, not played."""
    with pytest.raises(SourceUnreachableError, match="line_crossing") as caught:
        open_live(str(CLIP), SourceKind.WEBCAM, LiveSettings(), SystemClock())
    assert "inappropriate ioctl for device" in str(caught.value)


@pytest.mark.parametrize("number", DEVICE_ADVICE)
def test_every_reason_says_what_to_do(number: int) -> None:
    """Missing, unplugged, forbidden, busy, not a webcam: the system's own words, then the remedy."""
    with pytest.raises(av.FFmpegError) as caught:
        av.error.err_check(-number)
    assert str(unreachable(DEVICE, caught.value)) == f"{DEVICE}: {os.strerror(number).lower()}; {DEVICE_ADVICE[number]}"

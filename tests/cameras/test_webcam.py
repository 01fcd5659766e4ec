"""Webcams without a webcam: FFmpeg's Video4Linux code in front of a stand-in for the kernel's driver, or of nothing."""

import errno
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.pipeline.decoder.addresses import SourceKind
from winnow.pipeline.decoder.connection import LiveSettings
from winnow.pipeline.decoder.containers import DEVICE_ADVICE, open_live, unreachable
from winnow.pipeline.decoder.errors import SourceUnreachableError
from winnow.pipeline.sources import LiveSource
from winnow.runtime.clock import SystemClock

DEVICE = "/dev/video63"
CLIP = Path(__file__).parents[2] / "sample_videos" / "line_crossing.mp4"


QUICK = LiveSettings(reconnect_first_s=0.1, reconnect_limit_s=0.1)
WAIT_S = 20
FORMATS = {"YUYV": ("rawvideo", 2), "MJPG": ("mjpeg", 4)}
"""Codec, and by how many levels colours may differ from what was shown, on average."""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library that answers for the driver."""
    compiler, source = shutil.which("gcc"), Path(__file__).with_name("fake_webcam.c")
    if compiler is None:
        pytest.skip("gcc is missing: no stand-in for a webcam")
    built = tmp_path_factory.mktemp("webcam") / "fake_webcam.so"
    strict = ("-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    subprocess.run([compiler, *strict, "-o", str(built), str(source), "-ldl"], check=True)
    return built


@pytest.fixture
def plug_in(stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[NDArray[np.uint8]]]:
    """Return a function that plugs a webcam in, which shows the clip; it returns the pictures that it shows."""

    def plug(letters: str = "YUYV", **options: int) -> list[NDArray[np.uint8]]:
        shown = []
        with av.open(str(CLIP)) as clip, (tmp_path / "frames").open("wb") as out:
            for picture in clip.decode(video=0):
                shown.append(picture.to_ndarray(format="bgr24").astype(np.uint8))
                coded = _coded(picture, letters)
                out.write(struct.pack("=I", len(coded)) + coded)
        monkeypatch.setenv("LD_PRELOAD", str(stand_in))
        monkeypatch.setenv("WEBCAM_FRAMES", str(tmp_path / "frames"))
        monkeypatch.setenv("WEBCAM_FORMAT", letters)
        monkeypatch.setenv("WEBCAM_SIZE", f"{shown[0].shape[1]}x{shown[0].shape[0]}")
        for name, value in options.items():
            monkeypatch.setenv(f"WEBCAM_{name.upper()}", str(value))
        return shown

    return plug


def _coded(picture: av.VideoFrame, letters: str) -> bytes:
    if letters == "YUYV":
        return picture.to_ndarray(format="yuyv422").tobytes()
    return cv2.imencode(".jpg", picture.to_ndarray(format="bgr24"))[1].tobytes()


@pytest.mark.parametrize("letters", FORMATS)
def test_webcam_is_watched(plug_in: Callable[..., list[NDArray[np.uint8]]], letters: str) -> None:
    """Raw pictures and Motion JPEG come in order, as they were shown, timed by the driver: ten a second."""
    shown = plug_in(letters)
    codec, off_by = FORMATS[letters]
    with LiveSource(DEVICE, clock=SystemClock(), settings=QUICK) as source:
        frames = [source.read(WAIT_S) for _ in range(10)]
        assert source.stats.codec == codec
    for frame in frames:
        assert frame is not None
        assert frame.stream_s == Fraction(frame.index, 10)
        assert frame.clock_source == "wall"
        difference = frame.bgr().astype(np.int16) - shown[frame.index]
        assert np.abs(difference).mean() < off_by
    assert not source.stats.damage


def test_webcam_that_is_pulled_out_and_plugged_in_again_is_watched_again(
    plug_in: Callable[..., list[NDArray[np.uint8]]],
) -> None:
    """The reason says what to do; the next tries find it, in a new epoch."""
    plug_in(pictures=4)
    with LiveSource(DEVICE, clock=SystemClock(), settings=QUICK) as source:
        frame = source.read(WAIT_S)
        while frame is not None and frame.stream_epoch == 0:
            frame = source.read(WAIT_S)
    assert frame is not None
    assert source.stats.last_error == f"{DEVICE}: no such device; plug the webcam in again"


def test_webcam_in_use_is_named(plug_in: Callable[..., list[NDArray[np.uint8]]]) -> None:
    """What FFmpeg was told when it opened the device reaches whoever reads the log."""
    plug_in(error=errno.EBUSY)
    with LiveSource(DEVICE, clock=SystemClock(), settings=QUICK) as source:
        until_s = time.monotonic() + WAIT_S
        while source.stats.last_error is None:
            assert time.monotonic() < until_s
            time.sleep(0.02)
    assert source.stats.last_error == f"{DEVICE}: device or resource busy; {DEVICE_ADVICE[errno.EBUSY]}"


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

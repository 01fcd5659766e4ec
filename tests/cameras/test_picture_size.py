"""A live camera that is set to another picture size while it is watched."""

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count
from threading import Event
from typing import Final

import av
import cv2
import numpy as np
import pytest

from winnow.pipeline.sources import Frame, LiveSource
from winnow.pipeline.sources.testing import serve_stream
from winnow.runtime.clock import SystemClock

SIZES: Final = ((160, 96), (640, 384), (320, 192))
"""Larger than what was shared before, then smaller."""

WAIT_S: Final = 20
Size = tuple[int, int]


def _level(size: Size) -> int:
    return 40 + 60 * SIZES.index(size)


def _jpegs(size: Size) -> Iterator[bytes]:
    """Give Motion JPEG for ever."""
    coded = cv2.imencode(".jpg", np.full((size[1], size[0], 3), _level(size), np.uint8))[1].tobytes()
    while True:
        yield b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(coded), coded)


def _h264(size: Size) -> Iterator[bytes]:
    """Give a bare H.264 stream for ever, a picture at a time."""
    with av.open(BytesIO(), "w", format="h264") as file:
        options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
        stream = file.add_stream("libx264", rate=20, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, "yuv420p", 10
        picture = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), _level(size), np.uint8), format="bgr24")
        for number in count():
            picture.pts = number
            yield b"".join(bytes(packet) for packet in stream.encode(picture))


@pytest.mark.parametrize(
    ("shown", "content_type"),
    [(_jpegs, "multipart/x-mixed-replace;boundary=frame"), (_h264, "video/h264")],
    ids=["mjpeg", "h264"],
)
def test_camera_of_another_size_is_watched_on(shown: Callable[[Size], Iterator[bytes]], content_type: str) -> None:
    """Each size is a stream epoch of its own, with its own pixels, on one connection and in one decoder."""
    found: dict[Size, Frame] = {}

    def show(stopping: Event) -> Iterator[bytes]:
        for size in SIZES:
            for coded in shown(size):
                if size in found or stopping.wait(0.01):
                    break
                yield coded

    with (
        serve_stream(show, content_type=content_type) as url,
        LiveSource(url, clock=SystemClock()) as source,
    ):
        while len(found) < len(SIZES):
            frame = source.read(WAIT_S)
            assert frame is not None, source.stats
            found.setdefault((frame.width, frame.height), frame)
        assert (source.stats.reconnects, source.stats.decoder_restarts) == (0, 0)
    assert tuple(found) == SIZES
    assert [frame.stream_epoch for frame in found.values()] == [0, 1, 2]
    for size, frame in found.items():
        assert float(frame.bgr().mean()) == pytest.approx(_level(size), abs=10)

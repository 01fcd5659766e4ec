"""Cameras that speak HTTP, on the loopback interface: the clip at its own pace, for as long as somebody watches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from threading import Event

import av

from tests.cameras.footage import CLIP, FRAME_RATE
from winnow.pipeline.sources.testing import serve_stream

Parts = Callable[[Event], Iterable[bytes]]


class _Pieces:
    """A file that FFmpeg writes to and somebody else empties."""

    def __init__(self) -> None:
        self._written = BytesIO()

    def write(self, data: bytes) -> int:
        """Keep what is written."""
        return self._written.write(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = self._written.getvalue()
        self._written = BytesIO()
        return taken


def endless_clip(stopping: Event, *, frame_rate: int = FRAME_RATE) -> Iterator[bytes]:
    """Give the clip again and again as one MPEG transport stream, a picture at a time, at its own pace."""
    out = _Pieces()
    with av.open(str(CLIP)) as clip, av.open(out, "w", format="mpegts") as stream:
        template = clip.streams.video[0]
        video = stream.add_stream_from_template(template)
        assert template.time_base
        step = round(1 / frame_rate / template.time_base)
        for number in count():
            if number % 110 == 0:
                clip.seek(0)
                packets = (packet for packet in clip.demux(video=0) if packet.size)
            packet = next(packets)
            packet.pts = packet.dts = number * step
            packet.stream = video
            stream.mux(packet)
            yield out.take()
            if stopping.wait(1 / frame_rate):
                return


@contextmanager
def http_camera(parts: Parts = endless_clip) -> Iterator[str]:
    """Serve a camera while the block runs; yield its URL."""
    with serve_stream(parts, content_type="video/mp2t") as url:
        yield url

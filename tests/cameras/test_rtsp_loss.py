"""Cameras over UDP whose packets get lost on the way."""

import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.cameras.footage import CODECS, encode
from tests.cameras.rtsp_server import RtspServer
from winnow.pipeline.decoder.reader import digest
from winnow.pipeline.sources import FileSource, Frame, LiveSettings, LiveSource
from winnow.runtime.clock import SystemClock

LOSS: Final = 0.03
WATCHED_S: Final = 7
AT_MOST_S: Final = 18
"""The recordings last 22 s. Watched until each camera has lost something and shown something, or for so long."""
PICTURES: Final = 10
UDP: Final = LiveSettings(rtsp_transport="udp", open_timeout_s=5)


def _whole(clip: Path) -> set[int]:
    with FileSource(clip) as recording:
        return {digest(frame.image) for frame in recording}


def _tells(source: LiveSource, frames: list[Frame]) -> bool:
    return bool(source.stats.frames_dropped.get("damaged")) and len(frames) >= PICTURES


def test_nothing_is_shown_that_a_lost_packet_made_up(gstreamer_python: str, tmp_path: Path) -> None:
    """Three RTP packets in a hundred are gone: every picture handed out is one of the camera's, and it stays online."""
    clips = {codec: encode(tmp_path / f"{codec}.mkv", codec, loops=2) for codec in CODECS}
    mounts = {codec: (codec, clip) for codec, clip in clips.items()}
    frames: dict[str, list[Frame]] = {codec: [] for codec in CODECS}
    with RtspServer(gstreamer_python, mounts, loss=LOSS) as server, ExitStack() as opened:
        sources = {
            codec: opened.enter_context(LiveSource(server.url(codec), clock=SystemClock(), settings=UDP))
            for codec in CODECS
        }
        started_s = time.monotonic()
        while (since_s := time.monotonic() - started_s) < WATCHED_S or (
            since_s < AT_MOST_S and not all(_tells(sources[codec], frames[codec]) for codec in CODECS)
        ):
            for codec, source in sources.items():
                frame = source.read(0.02)
                frames[codec] += [frame] if frame else []
        stats = {codec: source.stats for codec, source in sources.items()}
    for codec, seen in frames.items():
        assert (stats[codec].reconnects, stats[codec].decoder_restarts) == (0, 0)
        assert stats[codec].damage.corrupt_packets > 0
        assert stats[codec].frames_dropped["damaged"] > 0
        whole = _whole(clips[codec])
        assert len(seen) >= PICTURES
        assert [frame.index for frame in seen if digest(frame.image) not in whole] == [], codec
        assert all(after.stream_s > before.stream_s for before, after in pairwise(seen))

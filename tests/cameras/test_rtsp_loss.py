"""A camera over UDP whose packets get lost on the way."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Final

from tests.cameras.footage import encode
from tests.cameras.rtsp_server import RtspServer
from winnow.pipeline.decoder.reader import digest
from winnow.pipeline.sources import FileSource, Frame, LiveSettings, LiveSource
from winnow.runtime.clock import SystemClock

LOSS: Final = 0.03
WATCHED_S: Final = 12
UDP: Final = LiveSettings(rtsp_transport="udp", open_timeout_s=5)
SHARE_WHOLE: Final = 0.8
"""Of the pictures handed out 0.96 were those of the recording; nothing marks a lost packet that H.264 does not miss."""


def test_camera_that_loses_packets_is_watched_on(gstreamer_python: str, tmp_path: Path) -> None:
    """Three RTP packets in a hundred are gone: damage is seen and held back, and the connection stays."""
    clip = encode(tmp_path / "h264.mkv", "h264", loops=3)
    with FileSource(clip) as recording:
        whole = {digest(frame.image) for frame in recording}
    frames: list[Frame] = []
    with (
        RtspServer(gstreamer_python, {"yard": ("h264", clip)}, loss=LOSS) as server,
        LiveSource(server.url("yard"), clock=SystemClock(), settings=UDP) as source,
    ):
        until_s = time.monotonic() + WATCHED_S
        while time.monotonic() < until_s:
            frame = source.read(2)
            frames += [frame] if frame else []
    stats = source.stats
    assert (stats.reconnects, stats.decoder_restarts) == (0, 0)
    assert stats.damage.corrupt_frames > 0
    assert stats.frames_dropped["damaged"] > 0
    assert len(frames) > 4 * WATCHED_S
    assert all(after.stream_s > before.stream_s for before, after in pairwise(frames))
    assert sum(digest(frame.image) in whole for frame in frames) / len(frames) > SHARE_WHOLE

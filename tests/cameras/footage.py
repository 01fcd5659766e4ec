"""Recordings for cameras to show: a sample clip in the codecs that cameras speak, long enough not to end in a test."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import av

CLIP: Final = Path(__file__).parents[2] / "sample_videos" / "line_crossing.mp4"
CODECS: Final = {
    "h264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}, "yuv420p"),
    "hevc": (
        "libx265",
        {"preset": "ultrafast", "tune": "zerolatency", "x265-params": "log-level=none:pools=1"},
        "yuv420p",
    ),
    "mjpeg": ("mjpeg", {"qmin": "3", "qmax": "3", "huffman": "default", "threads": "1"}, "yuvj420p"),
}
"""Encoder, its options and its pixel format, by the codec's name.

JPEG over RTP (RFC 2435) carries no Huffman tables: pictures coded with other than the usual ones arrive as noise.
"""

SIZE: Final = (320, 192)
FRAME_RATE: Final = 10
KEY_EVERY: Final = 10


def encode(  # noqa: PLR0913 - what a recording can differ in
    out: Path, codec: str, *, clip: Path = CLIP, loops: int = 1, frame_rate: int = FRAME_RATE, skips: bool = False
) -> Path:
    """Write the clip, `loops` times over, and return where.

    Args:
        out: the container follows from its suffix.
        codec: one of `CODECS`.
        clip: a drawn sample clip.
        loops: how often the clip's pictures are shown.
        frame_rate: pictures a second.
        skips: leave out pictures so that the time between two is 1, 2 or 3 frame times: a variable rate.
    """
    encoder, options, pixel_format = CODECS[codec]
    with av.open(str(out), "w") as file:
        stream = file.add_stream(encoder, rate=frame_rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *SIZE, pixel_format, KEY_EVERY
        for number, image in enumerate(_pictures(clip, loops)):
            if skips and number % 6 in {1, 3, 4}:
                continue
            picture = image.reformat(format=pixel_format, threads=1)
            picture.pts, picture.time_base = number, Fraction(1, frame_rate)
            picture.pict_type = av.video.frame.PictureType.NONE
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return out


def _pictures(path: Path, loops: int) -> Iterator[av.VideoFrame]:
    for _ in range(loops):
        with av.open(str(path)) as clip:
            yield from clip.decode(video=0)

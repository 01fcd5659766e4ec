"""Rebuild `street.mp4` from the pedestrian clip of Debian's package opencv-doc.

    python sample_videos/build_street.py [--source vtest.avi] [--out street.mp4]

Every frame of the original is kept, in order, at 10 frames a second. One encoder thread and no time stamps in the
container make the result a function of the source and of the FFmpeg and x264 that PyAV carries: the same builds of
these give the same bytes.
"""

import argparse
import hashlib
import sys
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.video.frame import PictureType

SOURCE: Final = Path("/usr/share/doc/opencv-doc/examples/data/vtest.avi")
SOURCE_SHA256: Final = "45cddc9490be69345cbdab64ca583be65987e864ca408038e648db99e10516cf"
FRAME_RATE: Final = 10
WIDTH: Final = 768
HEIGHT: Final = 576

CRF: Final = "27.5"
"""The best quality, in steps of 0.5, within 5 000 000 bytes: 27.0 gives 5.29 MB, 27.5 gives 4.96 MB."""

KEYFRAME_INTERVAL: Final = 20
"""Frames between keyframes at most: 2 s, the usual setting of an IP camera."""


def build_street(source: Path, out: Path) -> int:
    """`out` holds every frame of `source` as H.264 in MP4; the number of frames is returned."""
    codec_options = {"crf": CRF, "preset": "slower", "threads": "1", "g": str(KEYFRAME_INTERVAL)}
    container_options = {"movflags": "+faststart", "fflags": "+bitexact"}
    written = 0
    with av.open(str(source)) as original, av.open(str(out), "w", options=container_options) as copy:
        stream = copy.add_stream("libx264", rate=FRAME_RATE, options=codec_options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in original.decode(video=0):
            frame.pts, frame.time_base = written, Fraction(1, FRAME_RATE)
            frame.pict_type = PictureType.NONE  # else x264 would repeat the keyframes of the original
            copy.mux(stream.encode(frame))
            written += 1
        copy.mux(stream.encode())
    return written


def main() -> int:
    """The clip is rebuilt where `--out` says; 1 when the source is not the file that this recipe was made for."""
    parser = argparse.ArgumentParser(description="Rebuild street.mp4 from Debian's opencv-doc.")
    parser.add_argument("--source", type=Path, default=SOURCE)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("street.mp4"))
    args = parser.parse_args()
    if not args.source.is_file():
        sys.stderr.write(
            f"{args.source} is not there: install Debian's package opencv-doc, or name the file with --source.\n"
        )
        return 1
    if hashlib.sha256(args.source.read_bytes()).hexdigest() != SOURCE_SHA256:
        sys.stderr.write(f"{args.source} is another vtest.avi than the one of opencv-doc 4.6.0: its sha256 differs.\n")
        return 1
    frames = build_street(args.source, args.out)
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    sys.stdout.write(f"{args.out}: {frames} frames, {args.out.stat().st_size} bytes, sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

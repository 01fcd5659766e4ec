"""A clip several times over in one file, without coding it again: minutes of footage for the price of seconds."""

from fractions import Fraction
from pathlib import Path

import av

from benchmarks.harness.clips import FPS


def repeated(clip: Path, times: int) -> Path:
    """Return a file beside the clip that shows it so many times, made now if it is not there yet.

    The clip begins with a keyframe and has no B-frames, so that every joint is one more group of pictures.
    """
    path = clip.with_name(f"{clip.stem}-times{times}.mp4")
    if not path.exists():
        unfinished = path.with_suffix(".part.mp4")
        _write(clip, unfinished, times)
        unfinished.replace(path)
    return path


def _write(clip: Path, path: Path, times: int) -> None:
    with av.open(str(path), "w") as out:
        with av.open(str(clip)) as first:
            stream = out.add_stream_from_template(first.streams.video[0])
        number = 0
        for _ in range(times):
            with av.open(str(clip)) as source:
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream, packet.time_base = stream, Fraction(1, FPS)
                        packet.pts = packet.dts = number
                        packet.duration = 1
                        number += 1
                        out.mux(packet)

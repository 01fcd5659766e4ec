"""Footage at a camera's sizes, rates and bitrates, made from the street clip and kept in a temporary folder.

The street clip has 768×576 pixels and 10 frames a second. It is brought to 25 a second by blending neighbours, scaled,
given a little sensor noise that changes with every frame (without it nothing is left to code after scaling up), and
coded like cameras do: H.264, a keyframe every 2 s, no B-frames, constant bitrate.

    busy      people walk all the time
    average   a quarter of the time they do; else the empty scene
    still     the empty scene: the pixels' medians over the whole street clip
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray

from benchmarks.harness.cost import ROOT

STREET: Final = ROOT / "sample_videos" / "street.mp4"
STREET_FPS: Final = 10
FPS: Final = 25
KEYFRAME_EVERY: Final = 50
BUSY_SHARE: Final = 0.25
_MEDIAN_OF: Final = 40

Activity = Literal["busy", "average", "still"]
Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A camera's picture and how many bits a second it takes."""

    width: int
    height: int
    bits_per_s: int

    @property
    def name(self) -> str:
        """`1080p`."""
        return f"{self.height}p"


FULL_HD: Final = Size(width=1920, height=1080, bits_per_s=4_000_000)
HD: Final = Size(width=1280, height=720, bits_per_s=2_000_000)
SMALL: Final = Size(width=640, height=360, bits_per_s=800_000)
SIZES: Final = (FULL_HD, HD, SMALL)


def clip(activity: Activity, size: Size, seconds: int, *, begin_s: int = 0) -> Path:
    """Return the file, made now if it is not there yet.

    Args:
        activity: how much goes on in it.
        size: of its picture.
        seconds: how long it is.
        begin_s: where in the street clip it begins.
    """
    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"winnow-bench-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{activity}-{size.name}-{seconds}s-from{begin_s}-{recipe}.mp4"
    if not path.exists():
        unfinished = path.with_suffix(".part.mp4")
        _write(unfinished, _SCENES[activity](seconds, begin_s), size)
        unfinished.replace(path)
    return path


def describe(size: Size) -> str:
    """Return what a table says of the footage."""
    return f"{size.width}×{size.height}, {FPS}/s, H.264 {size.bits_per_s / 1e6:g} Mbit/s, keyframe every 2 s"


def _busy(seconds: int, begin_s: int) -> Iterator[Picture]:
    pictures, given = _street(), 0
    for index, picture in enumerate(pictures):
        if index >= begin_s * STREET_FPS and given < seconds * STREET_FPS:
            given += 1
            yield picture
    while given < seconds * STREET_FPS:  # once more from the start
        for picture in _busy(min(seconds - given // STREET_FPS, 79), 0):
            given += 1
            yield picture


def _still(seconds: int, _begin_s: int) -> Iterator[Picture]:
    step = sum(1 for _ in _street()) // _MEDIAN_OF
    empty = np.median(np.stack([one for index, one in enumerate(_street()) if index % step == 0]), axis=0)
    for _ in range(seconds * STREET_FPS):
        yield empty.astype(np.uint8)


def _average(seconds: int, begin_s: int) -> Iterator[Picture]:
    busy = round(seconds * BUSY_SHARE)
    yield from _still((seconds - busy) // 2, 0)
    yield from _busy(busy, begin_s)
    yield from _still(seconds - busy - (seconds - busy) // 2, 0)


_SCENES: Final[dict[Activity, Callable[[int, int], Iterator[Picture]]]] = {
    "busy": _busy,
    "average": _average,
    "still": _still,
}


def _street() -> Iterator[Picture]:
    with av.open(str(STREET)) as container:
        for frame in container.decode(video=0):
            yield frame.reformat(format="bgr24", threads=1).to_ndarray().astype(np.uint8, copy=False)


def _write(path: Path, pictures: Iterator[Picture], size: Size) -> None:
    rate = str(size.bits_per_s)
    coding = {"preset": "veryfast", "maxrate": rate, "bufsize": rate, "bf": "0", "threads": "2"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options=coding)
        stream.width, stream.height, stream.pix_fmt = size.width, size.height, "yuv420p"
        stream.bit_rate, stream.gop_size = size.bits_per_s, KEYFRAME_EVERY
        for index, frame in enumerate(_processed(pictures, size)):
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _processed(pictures: Iterator[Picture], size: Size) -> Iterator[av.VideoFrame]:
    graph: Graph | None = None
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = index, Fraction(1, STREET_FPS)
        graph = graph or _graph(frame, size)
        graph.push(frame)
        yield from _drained(graph)
    if graph is not None:
        graph.push(None)
        yield from _drained(graph)


def _graph(first: av.VideoFrame, size: Size) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=first.width, height=first.height, format=first.format, time_base=Fraction(1, STREET_FPS)
    )
    graph.link_nodes(
        source,
        graph.add("format", "yuv420p"),
        graph.add("framerate", f"fps={FPS}"),
        graph.add("scale", f"{size.width}:{size.height}:flags=bicubic"),
        graph.add("noise", "c0s=4:c0f=t:all_seed=1"),
        graph.add("buffersink"),
    ).configure()
    return graph


def _drained(graph: Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
        if isinstance(frame, av.VideoFrame):
            frame.pict_type = 0
            yield frame

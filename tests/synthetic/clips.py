"""Clips that are put together from scenery and weather, encoded as a camera would."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from tests.synthetic.scenery import Picture, Street, Walker
from tests.synthetic.weather import Effect, to_luma

Box = tuple[float, float, float, float]

CAMERA: Final = {"preset": "ultrafast", "tune": "zerolatency", "crf": "28", "threads": "1", "bf": "0"}
"""x264 as cheap as a camera's encoder: one pass, no B-frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip.

    Attributes:
        street: what stands there.
        seconds: how long it is.
        fps: frames a second.
        walkers: who walks there, and when; drawn before the effects.
        effects: what happens on the way to the camera's picture, in order.
        turned: by which share of width and height the camera is turned at a time.
        options: x264's, on top of `CAMERA`.
        gop_s: seconds from keyframe to keyframe.
    """

    street: Street
    seconds: float
    fps: int = 10
    walkers: tuple[Walker, ...] = ()
    effects: tuple[Effect, ...] = ()
    turned: Callable[[float], tuple[float, float]] = lambda _: (0, 0)
    options: tuple[tuple[str, str], ...] = ()
    gop_s: float = 2

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        """Return the luma of every frame."""
        for index in range(round(self.seconds * self.fps)):
            at_s = index / self.fps
            picture: Picture = self.street.seen(self.street.pixels, self.turned(at_s))
            for walker in self.walkers:
                picture = walker.drawn(picture, at_s)
            for effect in self.effects:
                picture = effect(picture, at_s)
            yield np.rint(to_luma(picture)).astype(np.uint8)

    def boxes(self, at_s: float) -> list[Box]:
        """Return x1, y1, x2, y2 of everybody who walks there then, as shares of the picture's size."""
        width, height = self.street.size
        found = (walker.box(at_s, self.street.size) for walker in self.walkers)
        return [(x1 / width, y1 / height, x2 / width, y2 / height) for x1, y1, x2, y2 in filter(None, found)]


def encode(clip: Clip, out: Path) -> Path:
    """`out` holds the clip as H.264 in MP4."""
    width, height = clip.street.size
    options = CAMERA | {"g": str(round(clip.gop_s * clip.fps)), "sc_threshold": "0"} | dict(clip.options)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=clip.fps, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        grey = np.full((height // 2, width), 128, np.uint8)
        for index, luma in enumerate(clip.pictures()):
            frame = av.VideoFrame.from_ndarray(np.concatenate([luma, grey]), format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, clip.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out

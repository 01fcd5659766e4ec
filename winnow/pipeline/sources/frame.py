"""One decoded picture and its place in time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final, Self

import av
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from winnow.pipeline.decoder.picture import Keyframe, Picture
from winnow.pipeline.decoder.stats import ClockSource
from winnow.pipeline.decoder.timekeeping import EPOCH, wall_time

_LUMA_PLANE_FORMATS: Final = frozenset(
    {"gray", "nv12", "nv21", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"}
)
"""Pixel formats whose first plane is the luma, one byte a pixel."""


_PLANES: Final[Mapping[str, Sequence[tuple[int, int, int]]]] = {
    **dict.fromkeys(("yuv420p", "yuvj420p"), ((1, 1, 1), (2, 2, 1), (2, 2, 1))),
    **dict.fromkeys(("yuv422p", "yuvj422p"), ((1, 1, 1), (2, 1, 1), (2, 1, 1))),
    **dict.fromkeys(("yuv444p", "yuvj444p"), ((1, 1, 1), (1, 1, 1), (1, 1, 1))),
    **dict.fromkeys(("nv12", "nv21"), ((1, 1, 1), (2, 2, 2))),
    "gray": ((1, 1, 1),),
    "bgr24": ((1, 1, 3),),
}
"""Pixel formats of which a part can be cut out: for each plane, how many pixels of the picture share a sample across
and down, and the bytes of a sample."""

CutOut = tuple[int, int, int, int]
"""x1, y1, x2, y2 in whole pixels within the frame, all even; x2 and y2, which are not part of it, may be the frame's
odd width and height."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One decoded picture, kept in the decoder's own format until pixels are asked for.

    Attributes:
        image: the picture as PyAV decoded it.
        index: how many pictures of this source were decoded before this one.
        pts: presentation time stamp, in ticks of `time_base`.
        time_base: seconds a tick.
        stream_s: seconds since the source's first picture; exact, and never less than the frame's before.
        stream_epoch: grows by one wherever the stream's time or size jumps; what was tracked before is not there after.
        captured_at: wall time of the picture, aware UTC.
        read_at_mono_s: monotonic time at which a live picture was decoded; None for recorded ones.
        is_key: the picture was coded without reference to others.
        clock_source: what `captured_at` rests on.
        keyframe: the stream's last keyframe that was looked at, this picture or one before it.
    """

    image: av.VideoFrame
    index: int
    pts: int
    time_base: Fraction
    stream_s: Fraction
    stream_epoch: int
    captured_at: datetime
    read_at_mono_s: float | None = None
    is_key: bool = False
    clock_source: ClockSource = "file"
    keyframe: Keyframe | None = None

    @classmethod
    def of(cls, picture: Picture) -> Self:
        """Return the frame of a decoded picture."""
        moment = picture.moment
        return cls(
            image=picture.image,
            index=picture.index,
            pts=moment.pts,
            time_base=moment.time_base,
            stream_s=moment.stream_s,
            stream_epoch=moment.stream_epoch,
            captured_at=moment.captured_at,
            read_at_mono_s=moment.read_at_mono_s,
            is_key=picture.is_key,
            clock_source=moment.clock_source,
            keyframe=picture.keyframe,
        )

    @classmethod
    def from_bgr(
        cls,
        pixels: NDArray[np.uint8],
        *,
        index: int = 0,
        frame_rate: int = 10,
        starts_at: datetime = EPOCH,
        stream_epoch: int = 0,
    ) -> Self:
        """Return a frame that shows `pixels` (height, width, 3) at `index / frame_rate` seconds."""
        stream_s = Fraction(index, frame_rate)
        return cls(
            image=av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="bgr24"),
            index=index,
            pts=index,
            time_base=Fraction(1, frame_rate),
            stream_s=stream_s,
            stream_epoch=stream_epoch,
            captured_at=wall_time(starts_at, stream_s),
        )

    @property
    def width(self) -> int:
        """The picture's width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """The picture's height in pixels."""
        return self.image.height

    def luma(self) -> NDArray[np.uint8]:
        """Return the brightness (height, width), read-only: a view of the decoder's buffer wherever the format has one.

        Formats without an 8-bit luma plane (10-bit HEVC, RGB) are converted anew at each call.
        """
        # One thread: with more, swscale now and then gives other pixels where two slices meet.
        image = self.image
        if image.format.name not in _LUMA_PLANE_FORMATS:
            image = image.reformat(format="gray", threads=1)
        plane = image.planes[0]
        view = _rows(plane)[:, : plane.width]
        view.flags.writeable = False
        return view

    def bgr(self, part: CutOut | None = None, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """Return the picture, or a part of it, as a new array (height, width, 3), blue first; each call converts again.

        A part is cut out of the decoder's planes before it is converted: 0.1 ms for 416x416 pixels, where all of a
        1920x1080 frame takes 0.7. Formats whose planes cannot be cut (10-bit HEVC) are converted whole.

        Args:
            part: what to show; everything if None.
            size: width and height of the array, in which each pixel is the mean of those it stands for.
        """
        image = self.image if part is None or part == (0, 0, self.width, self.height) else _cut_out(self.image, part)
        width, height = size or (image.width, image.height)
        interpolation = None if size is None else Interpolation.AREA
        # One thread: see `luma`.
        converted = image.reformat(width, height, format="bgr24", interpolation=interpolation, threads=1)
        pixels: NDArray[np.uint8] = converted.to_ndarray().astype(np.uint8, copy=False)
        return pixels


def _cut_out(image: av.VideoFrame, part: CutOut) -> av.VideoFrame:
    """Return a part of a picture as a picture of its own."""
    if image.format.name not in _PLANES:
        image = image.reformat(format="bgr24", threads=1)
    x1, y1, x2, y2 = part
    cut = av.VideoFrame(x2 - x1, y2 - y1, image.format.name)
    for number, (across, down, size_bytes) in enumerate(_PLANES[image.format.name]):
        plane, top, left = cut.planes[number], y1 // down, x1 // across * size_bytes  # an odd x1 shifts colours by half
        source = _rows(image.planes[number])[top : top + plane.height, left : left + plane.width * size_bytes]
        _rows(plane)[: source.shape[0], : source.shape[1]] = source
    cut.color_range, cut.colorspace = image.color_range, image.colorspace
    return cut


def _rows(plane: VideoPlane) -> NDArray[np.uint8]:
    """Return the bytes of a plane, one row of the picture a row, padding included."""
    return np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)

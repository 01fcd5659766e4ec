"""Pixels and times of one frame."""

from datetime import UTC, datetime
from fractions import Fraction

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.pipeline.decoder.timekeeping import wall_time
from winnow.pipeline.sources.frame import Frame


def _gradient(height: int = 48, width: int = 50) -> NDArray[np.uint8]:
    rows = np.linspace(0, 255, height, dtype=np.uint8)[:, None, None]
    return np.ascontiguousarray(np.broadcast_to(rows, (height, width, 3)))


def _frame(image: av.VideoFrame) -> Frame:
    return Frame(
        image=image,
        index=0,
        pts=0,
        time_base=Fraction(1, 10),
        stream_s=Fraction(0),
        stream_epoch=0,
        captured_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_luma_is_a_view_of_the_decoder_buffer() -> None:
    """No copy is made of a planar picture: what changes in the buffer shows in the view."""
    image = av.VideoFrame(50, 48, "yuv420p")
    luma = _frame(image).luma()
    plane = np.frombuffer(memoryview(image.planes[0]), np.uint8)
    assert np.shares_memory(luma, plane)
    assert luma.shape == (48, 50)


def test_luma_cannot_be_written_to() -> None:
    """The decoder still needs the picture as a reference for the next ones."""
    luma = _frame(av.VideoFrame(50, 48, "yuv420p")).luma()
    with pytest.raises(ValueError, match="read-only"):
        luma[0, 0] = 1


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "nv12", "yuv444p", "gray", "yuv420p10le", "bgr24"])
def test_luma_shows_the_same_brightness_in_every_pixel_format(pixel_format: str) -> None:
    """Planar, semi-planar, 10-bit and RGB pictures all give 8-bit rows from dark to bright."""
    image = av.VideoFrame.from_ndarray(_gradient(), format="bgr24").reformat(
        format=pixel_format,
        threads=1,  # with more, swscale now and then gives another row where two slices meet
    )
    luma = _frame(image).luma()
    assert luma.shape == (48, 50)
    assert luma.dtype == np.uint8
    steps = np.diff(luma[:, 0].astype(int))
    assert steps.min() >= 0
    assert luma[0, 0] <= 16
    assert luma[-1, 0] >= 234  # white is 235 in video range, and swscale rounds down by one


def test_from_bgr_gives_its_pixels_back() -> None:
    """A frame made from an array hands out the same array."""
    pixels = _gradient()
    frame = Frame.from_bgr(pixels)
    np.testing.assert_array_equal(frame.bgr(), pixels)
    assert (frame.width, frame.height) == (50, 48)


def test_bgr_keeps_blue_first() -> None:
    """A red area has its high value in the last channel, decoded pictures included."""
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 2] = 255
    image = av.VideoFrame.from_ndarray(red, format="bgr24").reformat(format="yuv420p")
    blue, green, strong = _frame(image).bgr()[24, 32]
    assert strong > 230
    assert max(blue, green) < 25


def test_from_bgr_places_frames_by_index() -> None:
    """Frame 25 at 10 frames a second is two and a half seconds in."""
    frame = Frame.from_bgr(_gradient(), index=25, frame_rate=10, starts_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert frame.stream_s == Fraction(5, 2)
    assert frame.captured_at == datetime(2026, 1, 1, 0, 0, 2, 500_000, tzinfo=UTC)


def test_wall_time_rounds_to_microseconds() -> None:
    """A third of a second has no exact wall time; the nearest microsecond is taken."""
    assert wall_time(datetime(2026, 1, 1, tzinfo=UTC), Fraction(2, 3)).microsecond == 666_667


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "nv12", "yuv444p", "gray", "yuv420p10le"])
def test_part_shows_what_the_whole_shows_there(pixel_format: str) -> None:
    """Cut out before it is converted, in every kind of pixel format; colours stay where they are."""
    picture = np.full((96, 128, 3), 100, np.uint8)
    picture[40:60, 60:90] = (30, 30, 220)
    frame = _frame(av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=pixel_format, threads=1))
    part = frame.bgr((50, 30, 128, 96))
    assert part.shape == (66, 78, 3)
    difference = np.abs(part.astype(int) - frame.bgr()[30:96, 50:128])
    assert difference.max() <= (0 if pixel_format != "nv12" else 30)  # its colours are interpolated otherwise at edges
    assert difference.mean() < 1


def test_part_is_scaled_to_the_mean() -> None:
    """A pixel of a smaller picture is the mean of those it stands for: no thin thing falls between two of them."""
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, ::4] = 200
    small = Frame.from_bgr(picture).bgr((0, 0, 64, 64), (16, 16))
    assert small.shape == (16, 16, 3)
    assert np.abs(small.astype(int) - 50).max() <= 2


def test_part_of_an_odd_frame_may_reach_its_border() -> None:
    """A frame of odd width shares its last column's colour with nobody."""
    picture = np.full((49, 51, 3), (20, 40, 200), np.uint8)
    frame = _frame(av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p", threads=1))
    part = frame.bgr((10, 10, 51, 49))
    assert part.shape == (39, 41, 3)
    assert np.abs(part.astype(int) - frame.bgr()[10:49, 10:51]).mean() < 3


@pytest.mark.parametrize("part", [(1, 1, 24, 22), (3, 0, 50, 47), (25, 25, 51, 49), (50, 48, 51, 49)])
def test_part_with_odd_sides_shows_what_is_there(part: tuple[int, int, int, int]) -> None:
    """Colours are stored for pairs of pixels: a part, or a picture, with odd sides is cut all the same."""
    whole = Frame(
        image=av.VideoFrame.from_ndarray(_gradient(50, 52), format="bgr24").reformat(
            51, 49, format="yuv420p", threads=1
        ),
        index=0,
        pts=0,
        time_base=Fraction(1, 10),
        stream_s=Fraction(0),
        stream_epoch=0,
        captured_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    x1, y1, x2, y2 = part
    np.testing.assert_allclose(whole.bgr(part).astype(int), whole.bgr()[y1:y2, x1:x2], atol=2)

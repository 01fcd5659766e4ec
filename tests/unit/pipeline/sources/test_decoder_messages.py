"""What a decoder's process may say, and what it may not."""

from typing import Any

import msgspec
import numpy as np
import pytest

from winnow.pipeline.decoder.errors import DecoderDiedError, SourceNotVideoError
from winnow.pipeline.sources.decoder_messages import (
    ForeignMessageError,
    LostMessage,
    PictureMessage,
    lost_error,
    picture_of,
    read_message,
)

PICTURE: dict[str, Any] = {
    "kind": "picture",
    "slot": 0,
    "width": 4,
    "height": 2,
    "format": "yuv420p",
    "color_range": 1,
    "colorspace": 2,
    "planes": [[0, 8, 2], [16, 4, 1], [20, 4, 1]],
    "index": 7,
    "is_key": True,
    "pts": 900,
    "time_base": "1/90000",
    "stream_s": "1/100",
    "stream_epoch": 1,
    "captured_at": "2026-05-01T12:00:00+00:00",
    "read_at_mono_s": 5.0,
    "clock_source": "wall",
    "keyframe": [1, "0", 99],
    "codec": "h264",
}
MEMORY = np.arange(24, dtype=np.uint8)


def _picture(**changed: object) -> PictureMessage:
    message = read_message(msgspec.json.encode(PICTURE | changed))
    assert isinstance(message, PictureMessage)
    return message


def test_picture_is_copied_out_of_the_memory() -> None:
    """Rows lie apart by the padding that the sender names, and what is handed on is no view."""
    memory = MEMORY.copy()
    image = picture_of(_picture(), memory).image
    memory[:] = 0
    luma = np.frombuffer(memoryview(image.planes[0]), np.uint8).reshape(2, image.planes[0].line_size)[:, :4]
    assert luma.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11]]


@pytest.mark.parametrize(
    "planes",
    [
        [[0, 8, 2], [16, 4, 1], [21, 4, 1]],
        [[0, 8, 2], [16, 4, 1]],
        [[0, 3, 2], [16, 4, 1], [20, 4, 1]],
        [[0, 8, 3], [16, 4, 1], [20, 4, 1]],
        [[0, 8, 2], [16, 1, 1], [20, 4, 1]],
        [[2**40, 8, 2], [16, 4, 1], [20, 4, 1]],
    ],
    ids=["beyond the end", "too few", "rows too short", "too many rows", "colours too short", "far away"],
)
def test_planes_that_do_not_fit_are_refused(planes: list[list[int]]) -> None:
    """No byte outside of the memory is read, whatever the process claims."""
    with pytest.raises(ForeignMessageError):
        picture_of(_picture(planes=planes), MEMORY)


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "order"},
        {"slot": 2},
        {"width": 0},
        {"height": 10**6},
        {"format": "bgr24"},
        {"planes": [[-1, 8, 2]]},
        {"time_base": "1/0"},
        {"stream_s": "9" * 1000},
        {"captured_at": "2026-05-01T12:00:00"},
        {"extra": 1},
    ],
    ids=str,
)
def test_foreign_message_is_refused(changed: dict[str, object]) -> None:
    """A value out of range, of another type or unknown is no message of ours."""
    with pytest.raises(ForeignMessageError):
        read_message(msgspec.json.encode(PICTURE | changed))


def test_noise_is_refused() -> None:
    """Bytes that are no JSON end the decoder, not its owner."""
    with pytest.raises(ForeignMessageError):
        read_message(b"\xff\x00")


def test_reported_error_keeps_its_kind() -> None:
    """An error of ours comes out as it went in; an unknown one means that the decoder went wrong."""
    known = lost_error(LostMessage(error="SourceNotVideoError", message="yard: no video"), "yard")
    assert (type(known), str(known)) == (SourceNotVideoError, "yard: no video")
    assert type(lost_error(LostMessage(error="KeyError", message="?"), "yard")) is DecoderDiedError

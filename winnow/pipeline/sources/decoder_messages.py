"""What a decoder's process may say, checked word by word: it has read hostile bytes and is not trusted."""

from datetime import datetime
from fractions import Fraction
from typing import Annotated, Final, Literal

import av
import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from winnow.pipeline.decoder import errors
from winnow.pipeline.decoder.picture import Keyframe, Picture
from winnow.pipeline.decoder.shared_pictures import MAX_SIDE_PX, MAX_SLOT_BYTES, SLOTS
from winnow.pipeline.decoder.timekeeping import Moment

Count = Annotated[int, Meta(ge=0, le=2**62)]
Ratio = Annotated[str, Meta(pattern=r"^-?[0-9]{1,30}(/[1-9][0-9]{0,29})?$", max_length=64)]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE_PX)]
Format = Literal["gray", "nv12", "nv21", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"]

LOST: Final[dict[str, type[errors.SourceError]]] = {
    cls.__name__: cls
    for cls in (
        errors.DecoderDiedError,
        errors.SourceDamagedError,
        errors.SourceNotFoundError,
        errors.SourceNotVideoError,
        errors.SourceUnreachableError,
    )
}
"""The errors that a decoder may report, by name."""


class MemoryMessage(Struct, frozen=True, kw_only=True, tag_field="kind", tag="memory", forbid_unknown_fields=True):
    """New memory for pictures; its descriptor comes with the message."""

    number: Annotated[int, Meta(ge=0, le=255)]
    slot_bytes: Annotated[int, Meta(ge=1, le=MAX_SLOT_BYTES)]


class PictureMessage(Struct, frozen=True, kw_only=True, tag_field="kind", tag="picture", forbid_unknown_fields=True):
    """A picture in the memory. `planes` holds start, bytes a row and rows of each plane."""

    slot: Annotated[int, Meta(ge=0, lt=SLOTS)]
    width: Side
    height: Side
    format: Format
    color_range: Annotated[int, Meta(ge=0, le=255)]
    colorspace: Annotated[int, Meta(ge=0, le=255)]
    planes: Annotated[list[tuple[Count, Annotated[int, Meta(ge=1, le=4 * MAX_SIDE_PX)], Side]], Meta(max_length=4)]
    index: Count
    is_key: bool
    pts: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    time_base: Ratio
    stream_s: Ratio
    stream_epoch: Count
    captured_at: Annotated[datetime, Meta(tz=True)]
    read_at_mono_s: float | None
    clock_source: Literal["wall", "rtcp", "file"]
    codec: Annotated[str, Meta(pattern=r"^[a-z0-9_]{0,40}$(?!\n)")]
    keyframe: tuple[Count, Ratio, Count] | None


class LostMessage(Struct, frozen=True, kw_only=True, tag_field="kind", tag="lost", forbid_unknown_fields=True):
    """The stream ended or never began."""

    error: str
    message: Annotated[str, Meta(max_length=2000)]


class EndMessage(Struct, frozen=True, kw_only=True, tag_field="kind", tag="end", forbid_unknown_fields=True):
    """The recording was read to its end."""


Message = MemoryMessage | PictureMessage | LostMessage | EndMessage
_DECODER: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


class ForeignMessageError(Exception):
    """The decoder's process says something that ours never says."""


def read_message(sent: bytes) -> Message:
    """Return the message.

    Raises:
        ForeignMessageError: it is none.
    """
    try:
        return _DECODER.decode(sent)
    except msgspec.MsgspecError as exc:
        raise ForeignMessageError(str(exc)) from exc


def lost_error(message: LostMessage, source: str) -> errors.SourceError:
    """Return the error that the decoder reports; its message already begins with the source."""
    cls = LOST.get(message.error, errors.DecoderDiedError)
    return cls(source, message.message.removeprefix(f"{source}: "))


def picture_of(message: PictureMessage, memory: NDArray[np.uint8]) -> Picture:
    """Return the picture, copied out of the memory.

    Raises:
        ForeignMessageError: its planes do not lie in the memory, or do not fit the format.
    """
    image = av.VideoFrame(message.width, message.height, message.format)
    if len(message.planes) != len(image.planes):
        raise ForeignMessageError(f"{len(message.planes)} planes of {message.format}")
    for plane, (start, row_bytes, rows) in zip(image.planes, message.planes, strict=True):
        used = plane.width * (2 if message.format in {"nv12", "nv21"} and plane.height < message.height else 1)
        if rows != plane.height or row_bytes < used or start + row_bytes * rows > memory.size:
            raise ForeignMessageError("a plane lies outside of the memory")
        source = memory[start : start + row_bytes * rows].reshape(rows, row_bytes)
        target = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        target[:, :used] = source[:, :used]
    image.color_range, image.colorspace = message.color_range, message.colorspace
    moment = Moment(
        pts=message.pts,
        time_base=Fraction(message.time_base),
        stream_s=Fraction(message.stream_s),
        stream_epoch=message.stream_epoch,
        captured_at=message.captured_at,
        read_at_mono_s=message.read_at_mono_s,
        clock_source=message.clock_source,
    )
    keyframe = message.keyframe and Keyframe(
        number=message.keyframe[0], stream_s=Fraction(message.keyframe[1]), digest=message.keyframe[2]
    )
    return Picture(
        image=image, index=message.index, moment=moment, is_key=message.is_key, keyframe=keyframe, codec=message.codec
    )

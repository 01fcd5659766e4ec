"""One decoded picture as the decoder hands it on, wherever it ran."""

from dataclasses import dataclass
from fractions import Fraction

import av

from winnow.pipeline.decoder.timekeeping import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframe:
    """What tells one keyframe from another without its pixels.

    Attributes:
        number: 1 for the stream's first keyframe that was looked at; at most one a second is.
        stream_s: when it was shown.
        digest: CRC-32 of its brightness; equal for equal pictures.
    """

    number: int
    stream_s: Fraction
    digest: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A picture and its moment.

    Attributes:
        image: as PyAV decoded it.
        index: how many pictures of this source were decoded before this one.
        moment: when it was shown.
        is_key: it was coded without reference to others.
        keyframe: the last keyframe that was looked at, this one or one before it.
        codec: FFmpeg's name of how it was compressed.
    """

    image: av.VideoFrame
    index: int
    moment: Moment
    is_key: bool
    keyframe: Keyframe | None
    codec: str = ""

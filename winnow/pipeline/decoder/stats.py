"""What happened in a source so far, as others may read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ClockSource = Literal["file", "wall", "rtcp"]
"""Where `Frame.captured_at` comes from: a recording's start, this machine's clock, or the camera's own reports."""

Connection = Literal["connecting", "online", "offline", "ended"]
"""`ended` is final; the other three may follow each other in any order."""

DropReason = Literal["drop_oldest", "damaged"]
"""`drop_oldest`: a newer frame came before this one was read. `damaged`: the picture is, or follows, a damaged one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What of a stream could not be used.

    Attributes:
        corrupt_packets: packets that the container itself marks as broken, and RTP packets that never arrived.
        corrupt_frames: pictures that did not decode, or only with pieces made up by the decoder, or that may be built
            on what never arrived.
        is_truncated: the file ends before its own index says it should, or cannot be read on.
        skipped_files: files of a folder that gave no frame, with the reason.
    """

    corrupt_packets: int = 0
    corrupt_frames: int = 0
    is_truncated: bool = False
    skipped_files: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.corrupt_packets or self.corrupt_frames or self.is_truncated or self.skipped_files)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStats:
    """What happened in a source so far.

    Attributes:
        bytes_read: compressed bytes of the video stream.
        frames_decoded: pictures that came out of the decoder, the dropped ones included.
        frames_skipped: pictures that were not decoded because the camera rests.
        frames_dropped: decoded pictures that were wanted and never handed out, by reason.
        damage: what could not be used.
        connection: whether frames can be expected.
        reconnects: how often a lost connection was tried again.
        decoder_restarts: how often a decoder that crashed, hung or wanted too much memory was replaced.
        last_error: why the connection was last lost or refused, free of credentials.
        codec: FFmpeg's name of how the video is compressed, once that is known.
    """

    bytes_read: int
    frames_decoded: int
    frames_dropped: Mapping[DropReason, int]
    damage: Damage
    connection: Connection
    frames_skipped: int = 0
    reconnects: int = 0
    decoder_restarts: int = 0
    last_error: str | None = None
    codec: str | None = None

"""Packets of one opened container in, frames out, and nothing that a damaged picture could have made up."""

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from winnow.pipeline.sources.frame import Frame
from winnow.pipeline.sources.tally import SourceTally
from winnow.pipeline.sources.timekeeping import Timekeeper

if TYPE_CHECKING:
    from av.packet import Packet

FALLBACK_RATE: Final = Fraction(25)
"""Frames a second of a stream that carries neither time stamps nor a rate."""


class FrameReader:
    """Reads one video stream with one decoder thread.

    A picture that is damaged, and those after it up to the next keyframe, are counted as `damaged` and not handed out:
    they are predicted from pixels that the decoder made up. Where a packet does not decode at all, the few good
    pictures that the decoder still holds back for reordering go with them.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, *, timekeeper: Timekeeper, tally: SourceTally
    ) -> None:
        self._container = container
        self._stream = stream
        self._timekeeper = timekeeper
        self._tally = tally
        self._nominal_s = 1 / (stream.average_rate or stream.guessed_rate or FALLBACK_RATE)
        self._size: tuple[int, int] | None = None
        self._awaits_key = False
        self.packets_read = 0
        self.is_last_packet_corrupt = False
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1

    def frames(self) -> Iterator[Frame]:
        """Return the stream's frames in order of presentation.

        Raises:
            av.FFmpegError: the container cannot be read on.
        """
        for packet in self._container.demux(self._stream):
            for image in self._decode(packet):
                frame = self._frame(image)
                if frame is not None:
                    yield frame

    def _decode(self, packet: "Packet[VideoStream]") -> list[av.VideoFrame]:
        if packet.size:
            self.packets_read += 1
            self._tally.bytes_read += packet.size
            self.is_last_packet_corrupt = packet.is_corrupt
            self._tally.corrupt_packets += packet.is_corrupt
        try:
            return packet.decode()
        except av.InvalidDataError:
            self._note_damage()
            return []

    def _frame(self, image: av.VideoFrame) -> Frame | None:
        """Return the frame, or None where its pixels cannot be trusted."""
        index = self._tally.frames_decoded
        self._tally.frames_decoded += 1
        if image.is_corrupt:
            self._note_damage()
        elif image.key_frame:
            self._awaits_key = False
        if self._awaits_key:
            self._tally.dropped["damaged"] += 1
            return None
        self._note_size(image)
        time_base = image.time_base or self._stream.time_base or 1 / FALLBACK_RATE
        moment = self._timekeeper.moment(image.pts, time_base, self._nominal_s)
        return Frame(
            image=image,
            index=index,
            pts=moment.pts,
            time_base=moment.time_base,
            stream_s=moment.stream_s,
            stream_epoch=moment.stream_epoch,
            captured_at=moment.captured_at,
            read_at_mono_s=moment.read_at_mono_s,
            is_key=image.key_frame,
        )

    def _note_damage(self) -> None:
        self._tally.corrupt_frames += 1
        self._awaits_key = True

    def _note_size(self, image: av.VideoFrame) -> None:
        size = (image.width, image.height)
        if self._size not in (None, size):
            self._timekeeper.restart()
        self._size = size


def video_stream(container: InputContainer) -> VideoStream | None:
    """Return the first stream that moves and has a decoder (cover pictures of music files do not move)."""
    for stream in container.streams.video:
        if _has_decoder(stream) and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _has_decoder(stream: VideoStream) -> bool:
    context: object = stream.codec_context
    return context is not None

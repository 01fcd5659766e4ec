"""Packets of one opened container in, pictures out, and nothing that a damaged picture could have made up."""

import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal
from zlib import crc32

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.stream import VideoStream

from winnow.pipeline.decoder.lost_packets import Doubt, NoGaps
from winnow.pipeline.decoder.picture import Keyframe, Picture
from winnow.pipeline.decoder.resting import Resting
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import Timekeeper

if TYPE_CHECKING:
    from av.packet import Packet

FALLBACK_RATE: Final = Fraction(25)
"""Frames a second of a stream that carries neither time stamps nor a rate."""

KEYFRAME_EVERY_S: Final = 1
"""No more than one keyframe in this time is digested: every picture of a Motion JPEG stream is a keyframe."""

_REFERENCE_TIME: Final = struct.Struct("=q")
"""The first member of FFmpeg's `AVProducerReferenceTime`: microseconds since 1970, from the last RTCP sender report."""

Step = Literal["read", "decode"]
"""What a reader does next; whoever watches it may say how long each may take."""


class PictureReader:
    """Reads one video stream with one decoder thread.

    A picture that is damaged, and those after it up to the next keyframe, are counted as `damaged` and not handed out:
    they are predicted from pixels that the decoder made up. Where a packet does not decode at all, the few good
    pictures that the decoder still holds back for reordering go with them.

    Args:
        container: opened.
        stream: one of its video streams.
        timekeeper: gives each picture its moment.
        tally: counts what is read.
        enter: told before each step.
        doubt: knows what never arrived; if not given, everything did.
        is_fast: leave out the filter that smooths the borders between blocks. It is applied to what later pictures are
            predicted from, so without it they stray from what the camera meant, until the next keyframe.
    """

    def __init__(  # noqa: PLR0913 - what a reader reads, counts and asks
        self,
        container: InputContainer,
        stream: VideoStream,
        *,
        timekeeper: Timekeeper,
        tally: SourceTally,
        enter: Callable[[Step], None] = lambda _: None,
        doubt: Doubt | None = None,
        is_fast: bool = False,
    ) -> None:
        self._container = container
        self._stream = stream
        self._timekeeper = timekeeper
        self._tally = tally
        self._enter = enter
        self._nominal_s = 1 / (stream.average_rate or stream.guessed_rate or FALLBACK_RATE)
        self._size: tuple[int, int] | None = None
        self._keyframe: Keyframe | None = None
        self._awaits_key = False
        self._first_index = tally.frames_decoded
        self._broken_pts: set[int | None] = set()
        self._doubt = doubt or Doubt(NoGaps())
        self._tally.corrupt_packets += self._doubt.missed
        self.resting: Resting[Packet[VideoStream]] = Resting()
        self.packets_read = 0
        self.is_last_packet_corrupt = False
        tally.codec = stream.codec_context.codec.name
        stream.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        if is_fast:
            stream.codec_context.options = {"skip_loop_filter": "all"}
        self._strict = strict_jpeg() if stream.codec_context.name == "mjpeg" else None

    def pictures(self) -> Iterator[Picture]:
        """Return the stream's pictures in order of presentation.

        Raises:
            av.FFmpegError: the container cannot be read on.
        """
        for packet in self._packets():
            self._note_packet(packet)
            due, skipped = self.resting.take(packet)
            for one in skipped:
                self._skip(one)
            for one in due:
                yield from self._pictures(one)
            self._enter("read")

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except IndexError:  # PyAV at the end of a file in which a stream appeared that its head did not announce
                return
            yield packet

    def _note_packet(self, packet: "Packet[VideoStream]") -> None:
        if packet.size:
            self.packets_read += 1
            self._tally.bytes_read += packet.size
            self.is_last_packet_corrupt = packet.is_corrupt
            self._note_corrupt(packet)
            self._note_doubt(packet)
            self._note_reference(packet)

    def _skip(self, packet: "Packet[VideoStream]") -> None:
        """Let the stream's time go on past a picture that is not decoded."""
        self._tally.frames_skipped += 1
        self._timekeeper.moment(packet.pts, packet.time_base, self._nominal_s)

    def _pictures(self, packet: "Packet[VideoStream]") -> Iterator[Picture]:
        for image in self._decode(packet):
            picture = self._picture(image)
            if picture is not None:
                yield picture

    def _decode(self, packet: "Packet[VideoStream]") -> list[av.VideoFrame]:
        self._enter("decode")
        try:
            return packet.decode() if self._strict is None else self._decode_strictly(self._strict, packet)
        except av.InvalidDataError:
            self._note_damage()
            return []

    def _decode_strictly(self, strict: VideoCodecContext, packet: "Packet[VideoStream]") -> list[av.VideoFrame]:
        try:
            return strict.decode(packet)
        except av.InvalidDataError:
            if self._tally.frames_decoded > self._first_index:
                raise
            self._strict = None  # the very first picture: this camera's pictures are never quite right
            return packet.decode()

    def _picture(self, image: av.VideoFrame) -> Picture | None:
        """Return the picture, or None where its pixels cannot be trusted."""
        index = self._tally.frames_decoded
        self._tally.frames_decoded += 1
        if image.is_corrupt or self._came_broken(image):
            self._note_damage()
        elif image.key_frame:
            self._awaits_key = False
        if self._awaits_key:
            self._tally.dropped["damaged"] += 1
            return None
        self._note_size(image)
        time_base = image.time_base or self._stream.time_base or 1 / FALLBACK_RATE
        moment = self._timekeeper.moment(image.pts, time_base, self._nominal_s)
        if image.key_frame:
            self.resting.note_key_picture(is_intra=image.pict_type == PictureType.I)
            self._note_keyframe(image, moment.stream_s)
        return Picture(
            image=image,
            index=index,
            moment=moment,
            is_key=bool(image.key_frame),
            keyframe=self._keyframe,
            codec=self._tally.codec or "",
        )

    def _note_damage(self) -> None:
        self._tally.corrupt_frames += 1
        self._awaits_key = True

    def _note_corrupt(self, packet: "Packet[VideoStream]") -> None:
        """Count a packet that the container marks as broken, and remember its picture where the decoder would not see.

        H.264's decoder finds out by itself whether anything is missing, and the mark alone may mean two recordings that
        were joined.
        """
        if packet.is_corrupt:
            self._tally.corrupt_packets += 1
            if self._stream.codec_context.name != "h264" and packet.pts is not None:
                self._broken_pts.add(packet.pts)

    def _note_doubt(self, packet: "Packet[VideoStream]") -> None:
        """Give up the pictures up to the next whole keyframe if packets of the network never arrived."""
        missed_before = self._doubt.missed
        if self._doubt.falls_on(packet):
            self._broken_pts.add(packet.pts)
        self._tally.corrupt_packets += self._doubt.missed - missed_before

    def _came_broken(self, image: av.VideoFrame) -> bool:
        if image.pts in self._broken_pts:
            self._broken_pts.discard(image.pts)
            return True
        if image.key_frame and image.pts is not None:  # what is broken and never came out needs no watching any more
            self._broken_pts = {pts for pts in self._broken_pts if pts is not None and pts > image.pts}
        return False

    def _note_size(self, image: av.VideoFrame) -> None:
        size = (image.width, image.height)
        if self._size not in (None, size):
            self._timekeeper.restart()
        self._size = size

    def _note_keyframe(self, image: av.VideoFrame, stream_s: Fraction) -> None:
        last = self._keyframe
        if last is None or not 0 <= stream_s - last.stream_s < KEYFRAME_EVERY_S:
            number = last.number + 1 if last else 1
            self._keyframe = Keyframe(number=number, stream_s=stream_s, digest=digest(image))

    def _note_reference(self, packet: "Packet[VideoStream]") -> None:
        if packet.pts is not None and packet.has_sidedata("prft"):
            (wall_us,) = _REFERENCE_TIME.unpack_from(bytes(packet.get_sidedata("prft")))
            self._timekeeper.note_reference(packet.pts, packet.time_base, wall_us)


def strict_jpeg() -> VideoCodecContext:
    """Return a decoder that refuses a picture with a broken scan instead of making up pixels and calling it whole."""
    decoder = av.CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode"}
    decoder.thread_type, decoder.thread_count = "NONE", 1
    return decoder


def digest(image: av.VideoFrame) -> int:
    """Return the CRC-32 of the first plane's visible bytes: the brightness, in the formats of cameras."""
    plane = image.planes[0]
    row_bytes = plane.width if image.format.is_planar else plane.line_size
    view = memoryview(plane)
    value = 0
    for start in range(0, plane.line_size * plane.height, plane.line_size):
        value = crc32(view[start : start + row_bytes], value)
    return value


def video_stream(container: InputContainer) -> VideoStream | None:
    """Return the first stream that moves and has a decoder (cover pictures of music files do not move)."""
    for stream in container.streams.video:
        if _has_decoder(stream) and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _has_decoder(stream: VideoStream) -> bool:
    context: object = stream.codec_context
    return context is not None

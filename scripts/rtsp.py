"""What an RTSP camera sends, for cameras of plain sockets in tests and benchmarks.

Just enough for FFmpeg: RTP inside of the RTSP connection (RFC 2326, section 10.12), H.264 in RTP (RFC 6184), sender
reports (RFC 3550, section 6.4.1).
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av

TICKS: Final = 90_000
"""A second of RTP time. Source: RFC 6184, section 8.2.1."""

NTP_BEFORE_UNIX_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970. Source: RFC 868."""

PICTURES, REPORTS = 0, 1
"""Channels of the RTSP connection."""

_PAYLOAD_BYTES: Final = 1_200
_FU_A: Final = 28
_SSRC: Final = 0x57494E4E
_SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=yard\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)


def response(request: bytes) -> bytes:
    """Return a willing camera's answer to a request, whose head is given without the empty line."""
    method, sequence = method_of(request), sequence_of(request)
    head, body = f"RTSP/1.0 200 OK\r\n{sequence}\r\n", ""
    if method == "DESCRIBE":
        body = _SDP
        head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    elif method == "SETUP":
        head += "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    elif method == "PLAY":
        head += "Session: 1\r\n"
    return f"{head}\r\n{body}".encode()


def method_of(request: bytes) -> str:
    """Return e.g. `PLAY`."""
    return request.split(b" ", 1)[0].decode()


def sequence_of(request: bytes) -> str:
    """Return the line with the request's number."""
    return next(line for line in request.decode().split("\r\n") if line.lower().startswith("cseq"))


def access_units(clip: Path) -> Iterator[list[bytes]]:
    """Give the NAL units of each picture of a clip; parameter sets come before each keyframe."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        to_annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            for converted in to_annex_b.filter(packet if packet.size else None):
                units = bytes(converted).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
                yield [unit for unit in units if unit]


def packets(units: list[bytes], ticks: int, sequence: Iterator[int]) -> Iterator[bytes]:
    """Give the RTP packets of one picture; `sequence` numbers them."""
    for at, unit in enumerate(units):
        pieces = list(_pieces(unit))
        for piece_at, piece in enumerate(pieces):
            is_last = at == len(units) - 1 and piece_at == len(pieces) - 1
            yield struct.pack(">BBHII", 0x80, 96 | is_last << 7, next(sequence) % 2**16, ticks, _SSRC) + piece


def sender_report(unix_s: float, ticks: int) -> bytes:
    """Return the report that the picture at RTP time `ticks` was taken at a wall time, in seconds since 1970."""
    seconds, fraction = divmod(unix_s + NTP_BEFORE_UNIX_S, 1)
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, _SSRC, int(seconds), int(fraction * 2**32), ticks, 0, 0)


def framed(channel: int, packet: bytes) -> bytes:
    """Return a packet as it goes over the RTSP connection."""
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet


def _pieces(unit: bytes) -> Iterator[bytes]:
    """Give a NAL unit as it is, or cut into fragments (FU-A). Source: RFC 6184, section 5.8."""
    if len(unit) <= _PAYLOAD_BYTES:
        yield unit
        return
    indicator, kind, body = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F, unit[1:]
    for start in range(0, len(body), _PAYLOAD_BYTES):
        flags = (start == 0) << 7 | (start + _PAYLOAD_BYTES >= len(body)) << 6
        yield bytes((indicator, flags | kind)) + body[start : start + _PAYLOAD_BYTES]

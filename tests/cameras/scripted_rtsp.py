"""An RTSP camera of plain sockets that misbehaves as told: it stops answering anywhere, breaks off, lies about time.

It speaks just enough for FFmpeg: RTP inside of the RTSP connection (RFC 2326, section 10.12), H.264 in RTP (RFC 6184),
sender reports (RFC 3550, section 6.4.1).
"""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from typing import Final, Literal

import av

from tests.cameras.footage import CLIP, FRAME_RATE

TICKS: Final = 90_000
"""A second of RTP time. Source: RFC 6184, section 8.2.1."""

NTP_BEFORE_UNIX_S: Final = 2_208_988_800
"""Seconds from 1900 to 1970. Source: RFC 868."""

_PAYLOAD_BYTES: Final = 1_200
_FU_A: Final = 28
_SSRC: Final = 0x57494E4E
_SDP: Final = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=yard\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)

Ending = Literal["goes on", "falls silent", "cuts off", "hangs up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RtspScript:
    """How the camera behaves on each connection.

    Attributes:
        silent_at: the request that it never answers; "CONNECT" for none at all.
        refuses_login: answers 401 to everything.
        pictures: how many it shows before the ending.
        ending: what it does then.
        loops_after: RTP time starts again after so many pictures, as when a camera plays a file in a loop.
        first_ticks: RTP time of the first picture.
        clock_ahead_s: how far its own clock is ahead of this machine's; None sends no sender reports.
    """

    silent_at: str = ""
    refuses_login: bool = False
    pictures: int = 10**9
    ending: Ending = "goes on"
    loops_after: int = 10**9
    first_ticks: int = 1_000_000
    clock_ahead_s: float | None = None


@dataclass(slots=True)
class ScriptedCamera:
    """What a test sees of the camera: its address, when each connection was made (monotonic), the pictures it sent."""

    port: int
    connected_s: list[float] = field(default_factory=list)
    pictures_sent: int = 0

    def url(self, login: str = "") -> str:
        """Return the camera's address."""
        return f"rtsp://{login}127.0.0.1:{self.port}/yard"


@contextmanager
def scripted_camera(*scripts: RtspScript) -> Iterator[ScriptedCamera]:
    """Serve a camera while the block runs; each connection follows the next script, later ones the last."""
    stopping, threads = Event(), list[Thread]()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        camera = ScriptedCamera(listening.getsockname()[1])

        def accept() -> None:
            while not stopping.is_set():
                with suppress(TimeoutError):
                    connection, _ = listening.accept()
                    script = scripts[min(len(camera.connected_s), len(scripts) - 1)]
                    camera.connected_s.append(time.monotonic())
                    threads.append(Thread(target=_serve, args=(connection, script, stopping, camera), name="viewer"))
                    threads[-1].start()

        accepting = Thread(target=accept, name="camera")
        accepting.start()
        try:
            yield camera
        finally:
            stopping.set()
            for thread in (accepting, *threads):
                thread.join()


def _serve(connection: socket.socket, script: RtspScript, stopping: Event, camera: ScriptedCamera) -> None:
    """Follow the script on one connection."""
    with connection, suppress(OSError):
        connection.settimeout(0.05)
        if _answer(connection, script, stopping):
            _play(connection, script, stopping, camera)
        while script.ending == "falls silent" and not stopping.wait(0.05):
            pass


def _answer(connection: socket.socket, script: RtspScript, stopping: Event) -> bool:
    """Answer requests up to PLAY; return whether that came."""
    received = b""
    while not stopping.is_set():
        with suppress(TimeoutError):
            part = connection.recv(4096)
            if not part:
                return False
            received += part
        while script.silent_at != "CONNECT" and b"\r\n\r\n" in received:
            head, received = received.split(b"\r\n\r\n", 1)
            method = head.split(b" ", 1)[0].decode()
            if method == script.silent_at:
                received = b""
                break
            sequence = next(line for line in head.decode().split("\r\n") if line.lower().startswith("cseq"))
            connection.sendall(_response(method, sequence, script))
            if method == "PLAY" and not script.refuses_login:
                return True
    return False


def _response(method: str, sequence: str, script: RtspScript) -> bytes:
    if script.refuses_login:
        asks = 'WWW-Authenticate: Digest realm="yard", nonce="0a1b2c"'
        return f"RTSP/1.0 401 Unauthorized\r\n{sequence}\r\n{asks}\r\n\r\n".encode()
    head, body = f"RTSP/1.0 200 OK\r\n{sequence}\r\n", ""
    if method == "DESCRIBE":
        body = _SDP
        head += f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
    elif method == "SETUP":
        head += "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
    elif method == "PLAY":
        head += "Session: 1\r\n"
    return f"{head}\r\n{body}".encode()


def _play(connection: socket.socket, script: RtspScript, stopping: Event, camera: ScriptedCamera) -> None:
    """Show the clip at its own pace, again and again, up to the script's ending."""
    sequence = count()
    started_s, started_unix_s = time.monotonic(), time.time()
    for number, units in enumerate(_access_units()):
        if number == script.pictures:
            if script.ending == "cuts off":
                connection.sendall(b"$\x00\x04\x00half a packet")
            return
        due_s = number / FRAME_RATE
        if stopping.wait(max(0.0, started_s + due_s - time.monotonic())):
            return
        ticks = (script.first_ticks + number % script.loops_after * TICKS // FRAME_RATE) % 2**32
        if script.clock_ahead_s is not None and number % FRAME_RATE == 0:
            connection.sendall(_framed(1, _sender_report(started_unix_s + due_s + script.clock_ahead_s, ticks)))
        for packet in _packets(units, ticks, sequence):
            connection.sendall(_framed(0, packet))
        camera.pictures_sent += 1


def _access_units() -> Iterator[list[bytes]]:
    """Give the NAL units of each picture of the clip, for ever; parameter sets come before each keyframe."""
    while True:
        with av.open(str(CLIP)) as clip:
            stream = clip.streams.video[0]
            to_annex_b = av.BitStreamFilterContext("h264_mp4toannexb", stream)
            for packet in clip.demux(stream):
                for converted in to_annex_b.filter(packet if packet.size else None):
                    units = bytes(converted).replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
                    yield [unit for unit in units if unit]


def _packets(units: list[bytes], ticks: int, sequence: Iterator[int]) -> Iterator[bytes]:
    for at, unit in enumerate(units):
        pieces = list(_pieces(unit))
        for piece_at, piece in enumerate(pieces):
            is_last = at == len(units) - 1 and piece_at == len(pieces) - 1
            yield struct.pack(">BBHII", 0x80, 96 | is_last << 7, next(sequence) % 2**16, ticks, _SSRC) + piece


def _pieces(unit: bytes) -> Iterator[bytes]:
    """Give a NAL unit as it is, or cut into fragments (FU-A). Source: RFC 6184, section 5.8."""
    if len(unit) <= _PAYLOAD_BYTES:
        yield unit
        return
    indicator, kind, body = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F, unit[1:]
    for start in range(0, len(body), _PAYLOAD_BYTES):
        flags = (start == 0) << 7 | (start + _PAYLOAD_BYTES >= len(body)) << 6
        yield bytes((indicator, flags | kind)) + body[start : start + _PAYLOAD_BYTES]


def _sender_report(unix_s: float, ticks: int) -> bytes:
    seconds, fraction = divmod(unix_s + NTP_BEFORE_UNIX_S, 1)
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, _SSRC, int(seconds), int(fraction * 2**32), ticks, 0, 0)


def _framed(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet

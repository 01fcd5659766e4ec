"""Cameras that send one clip over HTTP at its own pace: `cameras_server CLIP`; runs until it is stopped.

It prints its port, then for each connection the path that was asked for and the wall time of the first picture.

Each connection begins further on in the clip, at a keyframe, and goes on past its end without a break in the time
stamps, so that not all cameras see the same at once.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av

from benchmarks.harness.clips import FPS, KEYFRAME_EVERY

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

LOOPS: Final = 6
GROUPS_APART: Final = 7
ANSWER: Final = b"HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


class _Pieces:
    """A file that FFmpeg writes to and somebody else empties."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Keep what is written."""
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def transport_stream(path: Path) -> list[bytes]:
    """Return the clip `LOOPS` times over as one MPEG transport stream, a piece for each picture."""
    out, pieces = _Pieces(), []
    with av.open(out, "w", format="mpegts", options={"mpegts_flags": "pat_pmt_at_frames"}) as stream:
        with av.open(str(path)) as clip:
            video = stream.add_stream_from_template(clip.streams.video[0])
        for number, packet in zip(count(), _packets(path), strict=False):
            packet.stream = video
            packet.time_base = Fraction(1, FPS)
            packet.pts = packet.dts = number
            stream.mux(packet)
            pieces.append(out.take())
    return pieces


def _packets(path: Path) -> Iterator["Packet[VideoStream]"]:
    for _ in range(LOOPS):
        with av.open(str(path)) as clip:
            yield from (packet for packet in clip.demux(video=0) if packet.size)


class _Cameras:
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._connections = count()

    async def send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        request = await reader.readuntil(b"\r\n\r\n")
        writer.write(ANSWER)
        groups = len(self._pieces) // LOOPS // KEYFRAME_EVERY
        first = next(self._connections) * GROUPS_APART % groups * KEYFRAME_EVERY
        begun_s = time.monotonic()
        _say(f"{request.split()[1].decode()} {time.time()}")
        try:
            for number, piece in enumerate(self._pieces[first:]):
                await asyncio.sleep(max(0.0, begun_s + number / FPS - time.monotonic()))
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()


async def serve(path: Path) -> None:
    """Serve until the process ends."""
    server = await asyncio.start_server(_Cameras(transport_stream(path)).send, "127.0.0.1", 0)
    _say(str(server.sockets[0].getsockname()[1]))
    await server.serve_forever()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))

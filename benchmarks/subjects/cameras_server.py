"""Cameras that send one clip by RTSP at its own pace: `cameras_server CLIP`; prints its port, runs until stopped.

Their sender reports tell the wall time at which each picture is sent, so the time of an event about it is just that.
Each connection begins further on in the clip, at a keyframe, and goes on from its start without a break in time.
"""

import asyncio
import sys
import time
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.harness.clips import FPS, KEYFRAME_EVERY
from scripts.rtsp import PICTURES, REPORTS, TICKS, access_units, framed, method_of, packets, response, sender_report

GROUPS_APART: Final = 7
FIRST_TICKS: Final = 1_000_000
REPORT_EVERY: Final = FPS
"""Pictures between two sender reports."""


class _Cameras:
    def __init__(self, pictures: list[list[bytes]]) -> None:
        self._pictures = pictures
        self._connections = count()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
                writer.write(response(request))
                if method_of(request) == "PLAY":
                    break
            await self._play(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def _play(self, writer: asyncio.StreamWriter) -> None:
        first = next(self._connections) * GROUPS_APART * KEYFRAME_EVERY
        sequence, began_s, began_unix_s = count(), time.monotonic(), time.time()
        for number in count():
            await asyncio.sleep(max(0.0, began_s + number / FPS - time.monotonic()))
            ticks = (FIRST_TICKS + number * TICKS // FPS) % 2**32
            if number % REPORT_EVERY == 0:
                writer.write(framed(REPORTS, sender_report(began_unix_s + number / FPS, ticks)))
            units = self._pictures[(first + number) % len(self._pictures)]
            writer.write(b"".join(framed(PICTURES, packet) for packet in packets(units, ticks, sequence)))
            await writer.drain()


async def serve(path: Path) -> None:
    """Serve until the process ends."""
    server = await asyncio.start_server(_Cameras(list(access_units(path))).serve, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))

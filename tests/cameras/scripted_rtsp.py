"""An RTSP camera of plain sockets that misbehaves as told: it stops answering anywhere, breaks off, lies about time.

What it sends is as `scripts.rtsp` says.
"""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from threading import Event, Thread
from typing import Literal

from scripts.rtsp import (
    PICTURES,
    REPORTS,
    TICKS,
    access_units,
    framed,
    method_of,
    packets,
    response,
    sender_report,
    sequence_of,
)
from tests.cameras.footage import CLIP, FRAME_RATE

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
        speed: times the clip's own pace.
        clock_ahead_s: how far its own clock is ahead of this machine's; None sends no sender reports.
    """

    silent_at: str = ""
    refuses_login: bool = False
    pictures: int = 10**9
    ending: Ending = "goes on"
    loops_after: int = 10**9
    first_ticks: int = 1_000_000
    speed: int = 1
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
            method = method_of(head)
            if method == script.silent_at:
                received = b""
                break
            connection.sendall(_refusal(head) if script.refuses_login else response(head))
            if method == "PLAY" and not script.refuses_login:
                return True
    return False


def _refusal(request: bytes) -> bytes:
    asks = 'WWW-Authenticate: Digest realm="yard", nonce="0a1b2c"'
    return f"RTSP/1.0 401 Unauthorized\r\n{sequence_of(request)}\r\n{asks}\r\n\r\n".encode()


def _play(connection: socket.socket, script: RtspScript, stopping: Event, camera: ScriptedCamera) -> None:
    """Show the clip at its own pace, again and again, up to the script's ending."""
    sequence, frame_rate = count(), script.speed * FRAME_RATE
    started_s, started_unix_s = time.monotonic(), time.time()
    for number, units in enumerate(_pictures()):
        if number == script.pictures:
            if script.ending == "cuts off":
                connection.sendall(b"$\x00\x04\x00half a packet")
            return
        due_s = number / frame_rate
        if stopping.wait(max(0.0, started_s + due_s - time.monotonic())):
            return
        ticks = (script.first_ticks + number % script.loops_after * TICKS // frame_rate) % 2**32
        if script.clock_ahead_s is not None and number % frame_rate == 0:
            connection.sendall(framed(REPORTS, sender_report(started_unix_s + due_s + script.clock_ahead_s, ticks)))
        for packet in packets(units, ticks, sequence):
            connection.sendall(framed(PICTURES, packet))
        camera.pictures_sent += 1


def _pictures() -> Iterator[list[bytes]]:
    while True:
        yield from access_units(CLIP)

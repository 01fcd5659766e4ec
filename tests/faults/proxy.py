"""A line between a client and a server on loopback that a test can cut, hold, slow down and count.

What is read from either end is passed on in order. A fault changes what happens to it from then on; `heal` ends the
fault. A connection that has lost bytes is never mended: it is reset when the line heals, as a firewall would that has
forgotten it.

    cut          connections are reset, new ones are reset at once
    half-closed  the server hears the end of what the client says, and the client goes on hearing the server
    black hole   whatever is sent is swallowed, new connections are accepted and never answered
    slow         so many bytes a second in each direction, shared by all connections
    late         everything arrives so much later
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from enum import Enum
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

from scripts.services import free_port

CHUNK_BYTES: Final = 64 * 1024
SLOW_CHUNK_BYTES: Final = 2 * 1024
QUEUED_CHUNKS: Final = 8
BUFFER_BYTES: Final = 32 * 1024
"""Of the kernel, towards the client: a slow line shall not hide seconds of data in buffers."""
STARTED_WITHIN_S: Final = 5.0


class Mode(Enum):
    """What the line does with bytes."""

    PASSING = "passing"
    CUT = "cut"
    HALF_CLOSED = "half-closed"
    BLACK_HOLE = "black hole"


@dataclass(slots=True)
class Counts:
    """What a line has done so far.

    Attributes:
        connections: accepted and connected through.
        passed_bytes: handed to the other end.
        cut_bytes: read from one end and never handed to the other.
        reset: connections that the line ended.
        turned_away: connections that were tried while the line was cut.
        half_closed: connections whose server was told that the client had finished.
    """

    connections: int = 0
    passed_bytes: int = 0
    cut_bytes: int = 0
    reset: int = 0
    turned_away: int = 0
    half_closed: int = 0


@dataclass(eq=False, slots=True)
class _Connection:
    writers: list[asyncio.StreamWriter]
    has_lost_bytes: bool = False
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)


class TcpProxy:
    """A line to a port of this machine; a context manager that keeps it open.

    Args:
        target_port: the server's.
        host: address to listen on.

    Attributes:
        counts: what happened so far.
    """

    def __init__(self, target_port: int, *, host: str = "127.0.0.1") -> None:
        self.counts = Counts()
        self.port = free_port()
        self._host = host
        self._target_port = target_port
        self._mode = Mode.PASSING
        self._latency_s = 0.0
        self._bytes_per_s: float | None = None
        self._free_at_s = [0.0, 0.0]
        self._connections: set[_Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server | None = None
        self._thread = Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"{self._host}:{self.port}"

    def cut(self) -> None:
        """Reset every connection, and each new one, until the line is healed."""
        self._set(Mode.CUT)

    def half_close(self) -> None:
        """Tell the server that the client has finished, and swallow what the client says from now on."""
        self._set(Mode.HALF_CLOSED)

    def black_hole(self) -> None:
        """Swallow everything from now on."""
        self._set(Mode.BLACK_HOLE)

    def slow_down(self, bytes_per_s: float | None = None, *, latency_s: float = 0.0) -> None:
        """Pass so many bytes a second in each direction, each so much later."""
        self._bytes_per_s, self._latency_s = bytes_per_s, latency_s

    def heal(self) -> None:
        """Pass everything on again; connections that have lost something are reset."""
        self.slow_down()
        self._set(Mode.PASSING)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
        asyncio.run_coroutine_threadsafe(action(), self._loop).result(STARTED_WITHIN_S)

    def _set(self, mode: Mode) -> None:
        async def change() -> None:
            self._mode = mode
            for connection in list(self._connections):
                if mode is Mode.CUT or (mode is Mode.PASSING and connection.has_lost_bytes):
                    self._reset(connection)
                elif mode is Mode.HALF_CLOSED:
                    connection.has_lost_bytes = True
                    self.counts.half_closed += 1
                    with contextlib.suppress(OSError, RuntimeError):
                        connection.writers[1].write_eof()
                elif mode is Mode.BLACK_HOLE:
                    connection.has_lost_bytes = True

        self._do(change)

    async def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        listener.bind((self._host, self.port))
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=CHUNK_BYTES)

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            self._reset(connection)
        everything = asyncio.all_tasks() - {asyncio.current_task()}
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.CUT:
            self.counts.turned_away += 1
            _abort(writer)
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self._target_port, limit=CHUNK_BYTES)
        except OSError:
            _abort(writer)
            return
        connection = _Connection([writer, there[1]], has_lost_bytes=self._mode is not Mode.PASSING)
        self._connections.add(connection)
        self.counts.connections += 1
        for one in connection.writers:
            one.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for direction, (source, sink) in enumerate(((reader, there[1]), (there[0], writer))):
            waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(QUEUED_CHUNKS)
            for work in (self._read(connection, direction, source, waiting), self._send(direction, sink, waiting)):
                connection.tasks.append(self._loop.create_task(work, name=f"line {direction}"))
        with contextlib.suppress(asyncio.CancelledError):  # only `_close` cancels, and streams would log it
            _, unfinished = await asyncio.wait(connection.tasks, return_when=asyncio.FIRST_COMPLETED)
            if unfinished:
                await asyncio.wait(unfinished, timeout=1.0 + self._latency_s)
        self._forget(connection)

    async def _read(
        self, connection: _Connection, direction: int, source: asyncio.StreamReader, waiting: asyncio.Queue[Any]
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(SLOW_CHUNK_BYTES if self._bytes_per_s else CHUNK_BYTES):
                is_swallowed = self._mode is Mode.BLACK_HOLE or (self._mode is Mode.HALF_CLOSED and direction == 0)
                if is_swallowed:
                    self.counts.cut_bytes += len(chunk)
                    connection.has_lost_bytes = True
                else:
                    await waiting.put((self._loop.time() + self._latency_s, chunk))
        await waiting.put((self._loop.time() + self._latency_s, b""))

    async def _send(self, direction: int, sink: asyncio.StreamWriter, waiting: asyncio.Queue[Any]) -> None:
        with contextlib.suppress(OSError):
            while True:
                due_at_s, chunk = await waiting.get()
                await asyncio.sleep(max(0.0, due_at_s - self._loop.time()))
                if not chunk:
                    return
                if self._bytes_per_s:
                    begin_s = max(self._loop.time(), self._free_at_s[direction])
                    self._free_at_s[direction] = begin_s + len(chunk) / self._bytes_per_s
                    await asyncio.sleep(self._free_at_s[direction] - self._loop.time())
                sink.write(chunk)
                await sink.drain()
                self.counts.passed_bytes += len(chunk)

    def _reset(self, connection: _Connection) -> None:
        if connection in self._connections:
            self.counts.reset += 1
            self._forget(connection)

    def _forget(self, connection: _Connection) -> None:
        self._connections.discard(connection)
        for writer in connection.writers:
            _abort(writer)
        for task in connection.tasks:
            task.cancel()


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of a goodbye."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()

"""The line itself: it does what a test asks of it, and counts what it did."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.end_to_end.processes import eventually
from tests.faults.proxy import TcpProxy


class Echo:
    """A server that sends back whatever comes; `heard` counts its bytes, `ended` its clients' goodbyes."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.heard = 0
        self.ended = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client:
            try:
                while content := client.recv(65536):
                    self.heard += len(content)
                    client.sendall(content)
                self.ended += 1
                time.sleep(0.2)
                client.sendall(b"still here")
            except OSError:
                return


@pytest.fixture
def echo() -> Iterator[Echo]:
    """Return a running echo server."""
    server = Echo()
    yield server
    server.listener.close()


@pytest.fixture
def line(echo: Echo) -> Iterator[TcpProxy]:
    """Return a line to it."""
    with TcpProxy(echo.port) as proxy:
        yield proxy


def client_of(line: TcpProxy) -> socket.socket:
    """Return a connection through the line."""
    return socket.create_connection(("127.0.0.1", line.port), timeout=3)


def answered(client: socket.socket, content: bytes) -> bytes:
    """Send something and return as many bytes as come back."""
    client.sendall(content)
    got = b""
    while len(got) < len(content):
        got += client.recv(65536)
    return got


def test_whole_line_passes_everything_both_ways(line: TcpProxy) -> None:
    """A megabyte comes back as it was, and both directions are counted."""
    content = bytes(range(256)) * 4096
    with client_of(line) as client:
        sender = threading.Thread(target=client.sendall, args=(content,))
        sender.start()
        got = b""
        while len(got) < len(content):
            got += client.recv(65536)
        sender.join()
    assert got == content
    assert line.counts.passed_bytes == 2 * len(content)


def test_cut_line_resets_old_and_new_connections_until_it_is_healed(line: TcpProxy) -> None:
    """Both ends see a reset; afterwards a new connection works."""
    with client_of(line) as client:
        assert answered(client, b"before") == b"before"
        line.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
        # The reset may come before or after the client is told that it is connected.
        with pytest.raises(ConnectionResetError), client_of(line) as late:
            late.recv(10)
    line.heal()
    with client_of(line) as again:
        assert answered(again, b"after") == b"after"
    assert (line.counts.reset, line.counts.turned_away) == (1, 1)


def test_black_hole_swallows_and_counts(line: TcpProxy, echo: Echo) -> None:
    """Nothing arrives and nothing ends; the connection that lost bytes is reset when the line heals."""
    with client_of(line) as client:
        assert answered(client, b"before") == b"before"
        line.black_hole()
        client.sendall(b"x" * 1000)
        eventually(lambda: line.counts.cut_bytes == 1000, 3, lambda: str(line.counts))
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(10)
        assert echo.heard == len(b"before")
        line.heal()
        with pytest.raises(ConnectionResetError):
            client.recv(10)


def test_half_closed_line_ends_one_direction_only(line: TcpProxy, echo: Echo) -> None:
    """The server hears the end, the client goes on hearing the server, and what the client still says is lost."""
    with client_of(line) as client:
        assert answered(client, b"before") == b"before"
        line.half_close()
        client.sendall(b"lost")
        assert client.recv(100) == b"still here"
        assert (echo.ended, echo.heard) == (1, len(b"before"))
        assert line.counts.cut_bytes == len(b"lost")


def test_slow_line_takes_its_time(line: TcpProxy) -> None:
    """At 100 KB/s, 50 KB take half a second there and overlap on the way back."""
    with client_of(line) as client:
        line.slow_down(100_000)
        began_s = time.monotonic()
        assert len(answered(client, b"x" * 50_000)) == 50_000
        assert 0.45 < time.monotonic() - began_s < 2.0


def test_late_line_delays_without_holding_back(line: TcpProxy) -> None:
    """Ten messages in a row are together one round trip late, not ten."""
    with client_of(line) as client:
        line.slow_down(latency_s=0.1)
        began_s = time.monotonic()
        assert answered(client, b"x" * 10) == b"x" * 10
        assert 0.2 <= time.monotonic() - began_s < 0.8

"""A small MQTT 5 broker in a child process, for the demo: nothing to install, nothing left behind.

The broker is rumqttd, from the package `iotcore` (extra [demo]). It keeps sessions and messages in memory only, which
costs nothing: the edge keeps an event until its receipt. It speaks MQTT 5 only when told so by a file.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

MAX_PAYLOAD_BYTES: Final = 320 * 1024
"""rumqttd's own limit of 20 KiB would refuse every thumbnail."""
READY_WITHIN_S: Final = 15.0
STOP_WITHIN_S: Final = 3.0
POLL_EVERY_S: Final = 0.05

_CONFIG: Final = """\
id = 0

[router]
id = 0
max_connections = 64
max_outgoing_packet_count = 200
max_segment_size = 16777216
max_segment_count = 8

[v5.1]
name = "demo"
listen = "{host}:{port}"
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 10000
max_payload_size = {max_payload_bytes}
max_inflight_count = 100
dynamic_filters = true
"""


class EmbeddedBrokerError(Exception):
    """The broker does not run; the message says why."""


class EmbeddedBroker:
    """A broker on loopback while the block runs.

    The child is in a session of its own: a Ctrl-C reaches the parent alone, which can then still hand over what it
    has. It ends by itself when the parent is gone, however that ended.

    Args:
        port: 0 picks a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self._host = "127.0.0.1"
        self._port = port or _free_port(self._host)
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def address(self) -> str:
        """Return `HOST:PORT`."""
        return f"{self._host}:{self._port}"

    @property
    def running(self) -> bool:
        """Return whether the child is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Return once the broker accepts connections.

        Raises:
            EmbeddedBrokerError: `iotcore` is not installed, the port is taken, or the broker does not come up.
        """
        if _accepts(self._host, self._port):
            raise EmbeddedBrokerError(f"something listens on {self.address} already; choose another port")
        self._folder = tempfile.TemporaryDirectory(prefix="winnow-broker-")
        config = Path(self._folder.name) / "rumqttd.toml"
        config.write_text(
            _CONFIG.format(host=self._host, port=self._port, max_payload_bytes=MAX_PAYLOAD_BYTES), encoding="utf-8"
        )
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "winnow.runtime.embedded_broker", str(config)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        deadline_s = time.monotonic() + READY_WITHIN_S
        while not _accepts(self._host, self._port):
            if not self.running or time.monotonic() > deadline_s:
                self.stop()
                raise EmbeddedBrokerError("the embedded broker did not start; is the extra [demo] installed?")
            time.sleep(POLL_EVERY_S)

    def stop(self) -> None:
        """End the child and return when it is gone; may be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        """Start the broker."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the broker."""
        self.stop()


def _free_port(host: str) -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def _accepts(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=0.5):
        return True
    return False


def _end_with_parent() -> None:
    """Block until the parent's end of the pipe closes, then end this process."""
    sys.stdin.buffer.read()
    os._exit(0)


def serve(config: Path) -> None:
    """Be the broker; returns only if it fails."""
    from iotcore.iotcore import IotCoreBroker  # noqa: PLC0415 - only the demo installs it

    logging.basicConfig(level=logging.CRITICAL)  # rumqttd logs each message as an error
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    IotCoreBroker(config_path=str(config)).run_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

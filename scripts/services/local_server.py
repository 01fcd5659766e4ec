"""One server process on a free loopback port, with its data in a temporary directory, ended by its pid."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Final, Self

from scripts.services.errors import ServerDidNotStart
from scripts.services.process_tree import kill_tree

READY_WITHIN_S: Final = 60.0
STOP_WITHIN_S: Final = 15.0
PROBE_EVERY_S: Final = 0.05
LOG_TAIL_LINES: Final = 25

PORTS: Final = range(20000, 32000)
"""Below the kernel's range for outgoing connections (32768 and up): while a server is down, no client can be given its
port, nor reach itself by connecting from the very port that it calls."""


class LocalServer(ABC):
    """A server of the tests; a context manager that starts it, and ends it and removes its data on leaving.

    `kill` and `start` keep the port and the data directory, so a client sees a crash and a recovery; `wipe` in between
    makes it a recovery without memory.

    Attributes:
        root: temporary directory of this server: configuration, log and data.
        data_dir: what survives a restart, and what `wipe` removes.
        port: loopback port, fixed for the life of the object.
    """

    name: ClassVar[str]

    def __init__(self, *, port: int | None = None) -> None:
        self.root = Path(tempfile.mkdtemp(prefix=f"winnow-{self.name.lower().replace(' ', '-')}-"))
        self.data_dir = self.root / "data"
        self.log_path = self.root / "server.log"
        self.port = port if port is not None else free_port()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """What a client needs to connect."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the running server.

        Raises:
            RuntimeError: it is not running.
        """
        if self._child is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self._child is not None and self._child.poll() is None

    def start(self) -> None:
        """Start the process and return once it answers in its own protocol.

        Raises:
            RuntimeError: it is running already.
            ServerDidNotStart: it ended or stayed silent; nothing is left running.
        """
        if self.running:
            raise RuntimeError(f"{self.name} is running already")
        self.prepare()
        account = self.account()
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                start_new_session=True,  # a Ctrl-C in the terminal is for the tests, which then end the server
                user=None if account is None else account.pw_uid,
                group=None if account is None else account.pw_gid,
                extra_groups=None if account is None else [],
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """End the process as its operator would (SIGTERM), by force after 15 seconds."""
        if self._child is not None and self.running:
            self._child.send_signal(self.stop_signal())
            try:
                self._child.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._child = None

    def kill(self) -> None:
        """End the process and its children at once (SIGKILL), without a chance to save anything."""
        if self._child is not None:
            kill_tree(self._child.pid)
            self._child.wait()
        self._child = None

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self, *, wipe: bool = False) -> None:
        """Kill the process and start it again on the same port, with its data or, wiped, without."""
        self.kill()
        if wipe:
            self.wipe()
        self.start()

    def wipe(self) -> None:
        """Remove everything that the stopped server remembers.

        Raises:
            RuntimeError: it is running.
        """
        if self.running:
            raise RuntimeError(f"stop {self.name} before its data is wiped")
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def close(self) -> None:
        """End the process and remove its directory."""
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def prepare(self) -> None:
        """Write the configuration and, where it is missing, the data directory."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the program and its arguments."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server is ready for its clients."""

    @abstractmethod
    def version(self) -> str:
        """Return the version of the installed program."""

    def account(self) -> pwd.struct_passwd | None:
        """Return the user to run as, None for the caller's own."""
        return None

    def stop_signal(self) -> signal.Signals:
        """Return the signal that asks for an orderly end."""
        return signal.SIGTERM

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        lines = self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self.answers():
            ended = not self.running
            if ended or time.monotonic() > deadline:
                self.kill()
                reason = "ended while it started" if ended else f"did not answer within {READY_WITHIN_S:.0f} s"
                raise ServerDidNotStart(self.name, reason, self.log_tail())
            time.sleep(PROBE_EVERY_S)


def free_port() -> int:
    """Return a loopback port that nothing listens on at this moment."""
    candidates = random.sample(PORTS, 100)
    for port in candidates:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {PORTS}: 100 were tried")

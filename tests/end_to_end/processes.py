"""Winnow's own processes as a test runs them: started by their command line, killed by their pid."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

CHECKOUT: Final = Path(__file__).parents[2]
WINNOW: Final = (sys.executable, "-m", "winnow.cli")
PLANTED: Final = (sys.executable, "-m", "tests.faults.planted")
READY_WITHIN_S: Final = 30.0
LOG_TAIL_LINES: Final = 30


class Killable(Protocol):
    """A process that can be killed and started again: one of ours, or a server of `scripts.services`."""

    @property
    def pid(self) -> int:
        """Return the process id while it runs."""

    def start(self) -> None:
        """Start it."""

    def kill(self) -> None:
        """Return once SIGKILL has ended it."""

    def pause(self) -> None:
        """Stop it (SIGSTOP)."""

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""


class WinnowProcess:
    """A process of ours; a context manager that starts it, and kills it on leaving.

    Args:
        name: of its log file.
        command: program and arguments.
        folder: where its log goes.
        ready: asked by `wait_until_ready`.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path, ready: Callable[[], bool] = lambda: True
    ) -> None:
        self.log_path = folder / f"{name}.log"
        self._name = name
        self._command = tuple(command)
        self._ready = ready
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the running process."""
        assert self._child is not None, f"{self._name} is not running"
        return self._child.pid

    def start(self) -> None:
        """Start the process and return at once."""
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=CHECKOUT, start_new_session=True
            )

    def wait_until_ready(self) -> None:
        """Return once the process says that it is ready; fail if it ends or takes too long."""

        def ready() -> bool:
            assert self._child is not None
            assert self._child.poll() is None, f"{self._name} ended:\n{self.log_tail()}"
            return self._ready()

        eventually(ready, READY_WITHIN_S, lambda: f"{self._name} is not ready:\n{self.log_tail()}")

    def pause(self) -> None:
        """Stop the process (SIGSTOP): its connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a stopped process go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process with SIGKILL; fail if something else had ended it before."""
        assert self._child is not None, f"{self._name} is not running"
        self._child.kill()
        code = self._child.wait()
        assert code == -signal.SIGKILL, f"{self._name} had ended with {code}:\n{self.log_tail()}"
        self._child = None

    def terminate(self, within_s: float) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and how many seconds the process took, fail if it takes too long."""
        assert self._child is not None, f"{self._name} is not running"
        asked_at_s = time.monotonic()
        self.ask_to_end()
        code = self.wait(within_s)
        return code, time.monotonic() - asked_at_s

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, within_s: float) -> int:
        """Return the exit code once the process has ended by itself; fail if it does not in time."""
        assert self._child is not None, f"{self._name} is not running"
        try:
            code = self._child.wait(within_s)
        except subprocess.TimeoutExpired as exc:
            raise AssertionError(f"{self._name} still runs after {within_s} s:\n{self.log_tail()}") from exc
        self._child = None
        return code

    def log_tail(self) -> str:
        """Return the last lines that the process wrote."""
        lines = self.log_path.read_text(errors="replace").splitlines() if self.log_path.exists() else []
        return "\n".join(lines[-LOG_TAIL_LINES:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


def winnow(
    name: str, *arguments: str, folder: Path, health_port: int | None = None, defect: str | None = None
) -> WinnowProcess:
    """Return a `winnow` command that is not started yet.

    Args:
        name: of its log.
        arguments: the command's.
        folder: of its log.
        health_port: it is ready when its health says so there.
        defect: planted in it before it starts; see `tests.faults.planted`.
    """
    ready = (lambda: is_healthy(health_port)) if health_port is not None else (lambda: True)
    program = WINNOW if defect is None else (*PLANTED, defect)
    return WinnowProcess(name, (*program, *arguments), folder=folder, ready=ready)


def is_healthy(port: int) -> bool:
    """Return whether `/healthz` on a loopback port answers 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return False
    except OSError:
        return False


def eventually(condition: Callable[[], object], within_s: float, otherwise: Callable[[], str]) -> None:
    """Return once the condition holds; fail with what `otherwise` says if it does not in time."""
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, f"waited {within_s:.0f} s: {otherwise()}"
        time.sleep(0.05)

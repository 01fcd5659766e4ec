"""All parts at once: started side by side, exported to a command, and closed whatever happens."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import FrameType

from scripts.services.parts import OPENERS, Part


def open_all(environment: Mapping[str, str]) -> list[Part]:
    """Return every part, started at the same time; if one does not start, none is left running.

    Raises:
        ServerDidNotStart: an installed server failed.
    """
    opening: list[Future[Part]] = []
    try:
        with ThreadPoolExecutor(len(OPENERS)) as threads:
            opening += [threads.submit(opener, environment) for opener in OPENERS.values()]
            return [future.result() for future in opening]
    except BaseException:  # a signal as well: leaving the block above has waited for every start to end
        close_all([future.result() for future in opening if future.exception() is None])
        raise


def close_all(parts: Sequence[Part]) -> None:
    """End every server that was started and remove its data."""
    for part in parts:
        if part.server is not None:
            part.server.close()


class PartsOnDemand:
    """Parts that are opened when they are first asked for and stay open until they are closed together.

    Attributes:
        opened: the parts that were asked for, missing ones included, by their kind.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.opened: dict[str, Part] = {}
        self._environment = environment

    def open(self, kind: str) -> Part:
        """Return the part of one kind: mqtt, kafka, postgres, chromium or gstreamer."""
        if kind not in self.opened:
            self.opened[kind] = OPENERS[kind](self._environment)
        return self.opened[kind]

    def close(self) -> None:
        """End every server that was started; `opened` still tells what was used."""
        close_all(list(self.opened.values()))


def exports(parts: Sequence[Part]) -> dict[str, str]:
    """Return the environment variables that tell a test where the parts are."""
    return {name: value for part in parts for name, value in part.exports.items()}


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command to its end and return its exit code as a shell would.

    A Ctrl-C reaches the command from the terminal, so here it is only survived; SIGTERM and SIGHUP are passed on.
    """
    program = shutil.which(command[0], path=environment.get("PATH"))
    if program is None:
        sys.stderr.write(f"services: no such program: {command[0]}\n")
        return 127
    with subprocess.Popen([program, *command[1:]], env=environment) as child:

        def pass_on(number: int, _frame: FrameType | None) -> None:
            child.send_signal(number)

        with _handlers({signal.SIGINT: lambda *_: None, signal.SIGTERM: pass_on, signal.SIGHUP: pass_on}):
            code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that servers are closed on the way out."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    with _handlers({signal.SIGTERM: leave, signal.SIGHUP: leave}):
        yield


@contextmanager
def _handlers(handlers: Mapping[signal.Signals, "signal._HANDLER"]) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

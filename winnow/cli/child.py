"""A `winnow` command as a child process, with its log in a file."""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_STOP_WITHIN_S: Final = 10.0
_LAST_LINES: Final = 5


class ChildEndedError(Exception):
    """A child failed; the message has the end of its log."""


class Child:
    """One `winnow` command that runs while the block does.

    The child is in a session of its own, so that Ctrl-C reaches the parent alone and the children end in order.

    Args:
        name: for messages, and for the log's file name.
        arguments: what follows `winnow` on the command line.
        folder: where the log goes.
    """

    def __init__(self, name: str, arguments: list[str], folder: Path) -> None:
        self._name = name
        self._arguments = arguments
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Return whether the child has not ended yet."""
        return self._process is not None and self._process.poll() is None

    def demand_success(self) -> None:
        """Return if the child ended well.

        Raises:
            ChildEndedError: it did not.
        """
        if self._process is not None and self._process.poll() != 0:
            end = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
            raise ChildEndedError("\n".join([f"{self._name} ended with {self._process.returncode}:", *end]))

    def __enter__(self) -> Self:
        """Start the child."""
        command = [sys.executable, "-m", "winnow.cli", *self._arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask the child to end, and make it end if it takes too long."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

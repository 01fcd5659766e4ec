"""One way to ask a process to stop: Ctrl-C and SIGTERM set an event that every loop watches."""

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import FrameType
from typing import Final, TextIO

END_WITHIN_S: Final = 9.0
"""After a signal, for a process that loses nothing by an abrupt end."""
EXIT_ABRUPT: Final = 1
"""Exit code of a process that had to be ended abruptly."""
EXIT_STOPPED: Final = 130
"""Exit code of a process that a second Ctrl-C ended at once (128 + SIGINT)."""


_log: Final = logging.getLogger(__name__)


class HangUp:
    """What SIGHUP means: read the settings again, or that the terminal of the process was closed.

    Args:
        stream: goes to the terminal, if there is one.

    Attributes:
        asked: set by each SIGHUP.
    """

    def __init__(self, stream: TextIO) -> None:
        self.asked = Event()
        self._stream = stream
        self._had_terminal = stream.isatty()

    def terminal_is_gone(self) -> bool:
        """Return whether there was a terminal, and is none any more: then the user has left."""
        return self._had_terminal and not self._stream.isatty()


@contextmanager
def stop_on_signals(hang_up: Event | None = None) -> Iterator[Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; a second one ends the process at once.

    Must be entered on the main thread. The former signal handlers are back after the block.

    Args:
        hang_up: set by each SIGHUP, which otherwise ends the process as usual.
    """
    stopping = Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            os._exit(EXIT_STOPPED)
        stopping.set()

    def note_hang_up(_number: int, _frame: FrameType | None) -> None:
        if hang_up is not None:
            hang_up.set()

    former = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    if hang_up is not None:
        former[signal.SIGHUP] = signal.signal(signal.SIGHUP, note_hang_up)
    try:
        yield stopping
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def end_in_time(stopping: Event) -> None:
    """The process ends soon after `stopping` is set, even if a database driver or a name lookup does not come back."""

    def watch() -> None:
        stopping.wait()
        time.sleep(END_WITHIN_S)
        _log.warning("did not end in time, ended abruptly")
        os._exit(EXIT_ABRUPT)

    Thread(target=watch, name="deadline", daemon=True).start()

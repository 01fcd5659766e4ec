"""Tells systemd how the process is: ready, alive, stopping. Source: sd_notify(3), sd_watchdog_enabled(3)."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from winnow.runtime.clock import Clock

PINGS_PER_TIMEOUT: Final = 3
"""One lost datagram, or one late turn of the loop, is not yet a restart."""


class ServiceManager:
    """Speaks to whoever started the process; says nothing where nobody listens.

    Args:
        environ: `NOTIFY_SOCKET` names the socket, `WATCHDOG_USEC` and `WATCHDOG_PID` ask for signs of life.
        clock: times them.
    """

    def __init__(self, environ: Mapping[str, str], clock: Clock) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._clock = clock
        self._ping_every_s = _watchdog_s(environ) / PINGS_PER_TIMEOUT
        self._ping_at_s = clock.monotonic_s()

    def ready(self, status: str) -> None:
        """Say that everything runs."""
        self._send(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Say that the process is ending on purpose."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Give a sign of life, if one is due; to be called more often than the watchdog asks for."""
        now_s = self._clock.monotonic_s()
        if self._ping_every_s and now_s >= self._ping_at_s:
            self._ping_at_s = now_s + self._ping_every_s
            self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)  # a service manager that does not read must not hold the cameras
            sender.sendto(message.encode(), self._address)


def _address(text: str) -> str | None:
    """Return the socket's address; `@` stands for the null byte of an abstract one."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text or None


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """Return within how many seconds a sign of life is expected of this very process; 0 if none is."""
    of_another = environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid())
    asked = environ.get("WATCHDOG_USEC", "")
    return 0.0 if of_another or not asked.isdigit() else int(asked) / 1_000_000

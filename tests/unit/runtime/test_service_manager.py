"""What a service manager hears from the process, on a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from winnow.runtime.service_manager import ServiceManager
from winnow.runtime.testing import ManualClock


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the service manager's end."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(0)
        yield heard


def messages(heard: socket.socket) -> list[str]:
    """Return what has arrived."""
    found = []
    while True:
        try:
            found.append(heard.recv(4096).decode())
        except BlockingIOError:
            return found


def environment(heard: socket.socket, **more: str) -> dict[str, str]:
    """Return what systemd puts into the environment."""
    return {"NOTIFY_SOCKET": heard.getsockname(), **more}


def test_ready_and_stopping_are_told(listener: socket.socket) -> None:
    """Readiness comes with a line for `systemctl status`."""
    manager = ServiceManager(environment(listener), ManualClock())
    manager.ready("2 cameras")
    manager.stopping()
    assert messages(listener) == ["READY=1\nSTATUS=2 cameras", "STOPPING=1"]


def test_sign_of_life_is_given_three_times_in_the_watchdog_time(listener: socket.socket) -> None:
    """However often the loop turns, no more is sent than needed."""
    clock = ManualClock()
    manager = ServiceManager(environment(listener, WATCHDOG_USEC="60000000", WATCHDOG_PID=str(os.getpid())), clock)
    for _ in range(600):
        clock.advance(0.1)
        manager.alive()
    assert messages(listener) == ["WATCHDOG=1"] * 3


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}])
def test_no_sign_of_life_is_given_where_none_is_asked_of_this_process(
    listener: socket.socket, more: dict[str, str]
) -> None:
    """The variable may be a parent's."""
    ServiceManager(environment(listener, **more), ManualClock()).alive()
    assert messages(listener) == []


@pytest.mark.parametrize("address", ["", "/nowhere/at/all"])
def test_nobody_who_listens_is_no_error(address: str) -> None:
    """On a terminal there is no socket, and one that is gone changes nothing."""
    manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1"}, ManualClock())
    manager.ready("")
    manager.alive()
    manager.stopping()


def test_listener_that_does_not_read_holds_nobody_up(listener: socket.socket) -> None:
    """When its queue is full, messages are lost instead of waited for."""
    manager = ServiceManager(environment(listener), ManualClock())
    for _ in range(5000):
        manager.ready("x" * 100)
    assert len(messages(listener)) < 5000

"""A network of its own for one process, behind a cable that can be pulled and made narrow; needs root on Linux.

    process in the namespace ── veth ══ cable ══ veth ── TcpProxy on this side ── server on loopback

Unlike a proxy alone, a pulled cable tells nobody: packets vanish, and TCP goes on trying at growing intervals. It is
pulled far from the process, behind its own network: so this side loses its address, and the link stays up. A link that
goes down would be noticed by the kernel, which then tries twice a second.
"""

import logging
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.faults.proxy import TcpProxy

logger = logging.getLogger(__name__)

WITHIN_S: Final = 10
BURST: Final = "16kb"
LONGEST_QUEUE: Final = "400ms"
"""What waits longer in front of a narrow cable is dropped, as a router would."""


class Namespace:
    """A network namespace whose only way out is a line to one port; a context manager that makes and removes it.

    Args:
        target_port: of the server on loopback.

    Attributes:
        line: the proxy on this side.
        prefix: put before a command, it runs inside.
    """

    def __init__(self, target_port: int) -> None:
        number = os.getpid() % 16000
        self._name = f"wf{number}"
        self._here, self._there = f"wf{number}a", f"wf{number}b"
        net = f"10.213.{number // 64}.{number % 64 * 4}".rsplit(".", 1)
        self._addresses = [f"{net[0]}.{int(net[1]) + offset}" for offset in (1, 2)]
        self.prefix = ("ip", "netns", "exec", self._name)
        self.line = TcpProxy(target_port, host=self._addresses[0])

    def pull(self) -> None:
        """Pull the cable."""
        _run("ip", "addr", "del", f"{self._addresses[0]}/30", "dev", self._here)

    def plug(self) -> None:
        """Put the cable back."""
        _run("ip", "addr", "add", f"{self._addresses[0]}/30", "dev", self._here)

    def narrow(self, kbit_per_s: int) -> None:
        """Let the cable carry so much in each direction."""
        shape = ("root", "tbf", "rate", f"{kbit_per_s}kbit", "burst", BURST, "latency", LONGEST_QUEUE)
        _run("tc", "qdisc", "replace", "dev", self._here, *shape)
        _run(*self.prefix, "tc", "qdisc", "replace", "dev", self._there, *shape)

    def widen(self) -> None:
        """Let the cable carry as much as it can."""
        _run("tc", "qdisc", "del", "dev", self._here, "root")
        _run(*self.prefix, "tc", "qdisc", "del", "dev", self._there, "root")

    def held_back(self) -> int:
        """Return how often something had to wait in front of the narrow cable, seen from inside."""
        shown = _run(*self.prefix, "tc", "-s", "qdisc", "show", "dev", self._there)
        return int(shown.partition("overlimits ")[2].split()[0])

    def arrived(self) -> int:
        """Return how many packets have come to this side, whether anybody was there to take them or not."""
        return int(Path(f"/sys/class/net/{self._here}/statistics/rx_packets").read_text())

    def __enter__(self) -> Self:
        _run("ip", "netns", "add", self._name)
        _run("ip", "link", "add", self._here, "type", "veth", "peer", "name", self._there, "netns", self._name)
        _run("ip", "addr", "add", f"{self._addresses[0]}/30", "dev", self._here)
        _run(*self.prefix, "ip", "addr", "add", f"{self._addresses[1]}/30", "dev", self._there)
        for command in ((), self.prefix):
            device = self._there if command else self._here
            _run(*command, "ip", "link", "set", device, "up")
        address = Path(f"/sys/class/net/{self._here}/address").read_text().strip()
        neighbour = (self._addresses[0], "lladdr", address, "dev", self._there, "nud", "permanent")
        _run(*self.prefix, "ip", "neigh", "replace", *neighbour)
        _run(*self.prefix, "ip", "link", "set", "lo", "up")  # paho wakes its own thread through it
        self.line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.line.__exit__(kind, error, trace)
        _run("ip", "link", "del", self._here)
        _run("ip", "netns", "del", self._name)


class PlainCable:
    """The same for a machine on which nobody may make namespaces: a line that swallows, or passes slowly."""

    prefix: tuple[str, ...] = ()

    def __init__(self, target_port: int) -> None:
        self.line = TcpProxy(target_port)

    def pull(self) -> None:
        """Swallow everything."""
        self.line.black_hole()

    def plug(self) -> None:
        """Pass everything on again."""
        self.line.heal()

    def narrow(self, kbit_per_s: int) -> None:
        """Pass so much in each direction."""
        self.line.slow_down(kbit_per_s * 125)

    def widen(self) -> None:
        """Pass as much as comes."""
        self.line.slow_down()

    def held_back(self) -> int:
        """Return how many bytes have taken their time."""
        return self.line.counts.passed_bytes

    def arrived(self) -> int:
        """Return how many bytes were swallowed."""
        return self.line.counts.cut_bytes

    def __enter__(self) -> Self:
        self.line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.line.__exit__(kind, error, trace)


Cable = Namespace | PlainCable


def cable_to(target_port: int) -> Cable:
    """Return a cable in a namespace if this user may have one, else a plain one; the log says which and why."""
    reason = why_not()
    if reason is not None:
        logger.warning("No network namespace", extra={"reason": reason})
    return PlainCable(target_port) if reason else Namespace(target_port)


def why_not() -> str | None:
    """Return why there can be no namespace here, None if there can."""
    if missing := [program for program in ("ip", "tc") if shutil.which(program) is None]:
        return f"needs {' and '.join(missing)}: `apt-get install iproute2`"
    probe = f"wf{os.getpid()}probe"
    try:
        _run("ip", "netns", "add", probe)
        _run("ip", "netns", "del", probe)
    except subprocess.CalledProcessError as exc:
        return f"needs root and the right to make network namespaces: {exc.stderr.strip()}"
    return None


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=WITHIN_S)
    return done.stdout

"""Who may connect to a process: its listening sockets, as the kernel has them."""

import struct
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

LISTENS: Final = "0A"
"""State of a socket. Source: Linux, include/net/tcp_states.h, TCP_LISTEN."""


def listeners_of(pid: int) -> set[str]:
    """Return the addresses on which a process takes connections."""
    held = {_target(entry) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTENS and f"socket:[{fields[9]}]" in held:
                found.add(_address(fields[1].partition(":")[0]))
    return found


def _target(entry: Path) -> str:
    try:
        return str(entry.readlink())
    except FileNotFoundError:  # closed in between
        return ""


def _address(digits: str) -> str:
    """Return an address that the kernel writes in words of 32 bits, each in the machine's byte order."""
    words = [int(digits[start : start + 8], 16) for start in range(0, len(digits), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))

"""What a process uses of the machine, and how much more of it than before is too much."""

from pathlib import Path
from typing import Final

import msgspec

GROWTH_BYTES: Final = 64 * 1024 * 1024
GROWTH_FDS: Final = 24
GROWTH_THREADS: Final = 8
SPOOL_BYTES: Final = 64 * 1024 * 1024
"""More than any of the faults makes a spool grow to; its quota is four times as much."""


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """What a process holds at one moment."""

    memory_bytes: int
    fds: int
    threads: int


def use_of(pid: int) -> Use:
    """Return what a running process holds. Source: proc(5), VmRSS and Threads of /proc/PID/status."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return Use(
        memory_bytes=int(status["VmRSS"].split()[0]) * 1024,
        fds=sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
        threads=int(status["Threads"]),
    )


def state_of(pid: int) -> str:
    """Return the letter of a process's state: T for a stopped one. Source: proc(5), field 3 of /proc/PID/stat."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def grown(before: Use, after: Use) -> list[str]:
    """Return what has grown by more than chance."""
    too_much = {
        f"{after.memory_bytes - before.memory_bytes} bytes": after.memory_bytes - before.memory_bytes > GROWTH_BYTES,
        f"{after.fds - before.fds} fds": after.fds - before.fds > GROWTH_FDS,
        f"{after.threads - before.threads} threads": after.threads - before.threads > GROWTH_THREADS,
    }
    return [what for what, is_so in too_much.items() if is_so]

"""End a process together with its children, by pid, and only if the pid still means the process that was started."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

GONE_WITHIN_S: Final = 10.0
_PROC: Final = Path("/proc")
_PARENT_FIELD: Final = 1
_START_FIELD: Final = 19
"""Positions after the command name in /proc/PID/stat. Source: proc(5), fields 4 (ppid) and 22 (starttime)."""


def started_at_ticks(pid: int) -> int | None:
    """Return when a process was started, in clock ticks since boot; None if there is none (a zombie counts as none)."""
    fields = _stat_fields(pid)
    return None if fields is None or fields[0] == "Z" else int(fields[_START_FIELD])


def kill_tree(pid: int) -> None:
    """End a process and its descendants with SIGKILL and return once all are gone, or zombies for the caller to reap.

    PostgreSQL's workers outlive a killed postmaster for a moment and would keep its data directory locked.
    """
    family = [pid, *descendants(pid)]
    born = {member: started_at_ticks(member) for member in family}
    for member in family:
        with contextlib.suppress(ProcessLookupError):
            os.kill(member, signal.SIGKILL)
    deadline = time.monotonic() + GONE_WITHIN_S
    while any(born[member] is not None and started_at_ticks(member) == born[member] for member in family):
        if time.monotonic() > deadline:
            raise TimeoutError(f"processes {family} still exist {GONE_WITHIN_S:.0f} s after SIGKILL")
        time.sleep(0.01)


def descendants(pid: int) -> list[int]:
    """Return the children of a process, theirs, and so on."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        fields = _stat_fields(int(entry.name)) if entry.name.isdigit() else None
        if fields is not None:
            children.setdefault(int(fields[_PARENT_FIELD]), []).append(int(entry.name))
    found: list[int] = []
    frontier = [pid]
    while frontier:
        below = children.get(frontier.pop(), [])
        found += below
        frontier += below
    return found


def _stat_fields(pid: int) -> list[str] | None:
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None

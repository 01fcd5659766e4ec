"""Runs a writer under `strace`, which tampers with one of its system calls."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.disk.told import Told

CHECKOUT: Final = Path(__file__).parents[3]
WITHIN_S: Final = 60.0
KILLED: Final = (-9, 137)
"""How strace ends when what it traces was killed: it kills itself the same way."""
_WRITTEN: Final = re.compile(r", (\d+), \d+\) += (\d+)")
"""Of a `pwrite64`: how many bytes it asked for, and how many were taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a writer ended, what it had told, and what was done to it.

    Attributes:
        injected: system calls that were tampered with.
        short: writes of which the system took only a part.
    """

    code: int
    told: Told
    errors: str
    injected: int
    short: int


def has_strace() -> bool:
    """Return whether it is installed."""
    return shutil.which("strace") is not None


def write_under(spool: Path, tampering: str | None, *arguments: str, steps: int, only: Path | None = None) -> Ended:
    """Run a writer to its end.

    Args:
        spool: its spool.
        tampering: an expression for `strace --inject`, such as `fdatasync:error=EIO:when=3`; None leaves it alone.
        arguments: more for the writer.
        steps: how many batches it appends.
        only: tamper with calls that have to do with this file alone.
    """
    log = spool.with_name("strace.txt")
    calls = tampering.partition(":")[0] if tampering else "none"
    inject = ["-e", f"inject={tampering}"] if tampering else []
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={calls}", *inject]
    command += ["-P", str(only)] if only else []
    command += [sys.executable, "-m", "tests.faults.disk.writer", str(spool), str(steps), *arguments]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=WITHIN_S)
    traced = log.read_text(errors="replace")
    log.unlink()
    return Ended(
        code=done.returncode,
        told=Told.read(done.stdout),
        errors=done.stderr,
        injected=traced.count("(INJECTED)") + traced.count("(DELAYED)") + traced.count("+++ killed by SIGKILL"),
        short=sum(0 < int(taken) < int(asked) for asked, taken in _WRITTEN.findall(traced)),
    )

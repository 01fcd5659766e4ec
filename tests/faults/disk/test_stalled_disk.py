"""A sync that takes seconds: the camera goes on at its rate, and everything accepted is there, in order."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.processes import eventually
from tests.faults.disk.handing import LEFT
from tests.faults.disk.strace import CHECKOUT, has_strace
from tests.faults.disk.told import Told, broken, left_in
from tests.faults.scale import SCALE
from tests.faults.summary import note_figures
from winnow.cli.edge_outbox import WRITE_WITHIN_S

STALL_S: Final = 5.0 if SCALE.is_full else 1.0
LONG_STALL_S: Final = 5.0
PER_S: Final = 40
STALLED_SYNC: Final = 10
"""Which sync of the writing thread stalls."""
HELD_MS: Final = 250.0
"""Longer than this no camera was held, on a machine however busy."""


@pytest.fixture(autouse=True)
def _tool() -> None:
    if not has_strace():
        pytest.skip("strace is missing: apt-get install strace")


@contextmanager
def started(folder: Path, stall_s: float, steps: int) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a process whose thread that writes has one sync that takes so long; its camera makes no sync.

    What it says goes to files: `strace` holds them until the delay is over, also if the process is dead.
    """
    inject = f"inject=fdatasync:delay_enter={round(stall_s * 1e6)}:when={STALLED_SYNC}"
    strace = ["strace", "-D", "-f", "-qq", "-o", os.devnull, "--seccomp-bpf", "-e", "trace=fdatasync", "-e", inject]
    program = [sys.executable, "-m", "tests.faults.disk.handing", str(folder / "spool.sqlite"), str(steps), str(PER_S)]
    with (folder / "told.txt").open("wb") as told, (folder / "errors.txt").open("wb") as errors:
        process = subprocess.Popen([*strace, *program], cwd=CHECKOUT, stdout=told, stderr=errors)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_camera_goes_on_at_its_rate_while_the_disk_stalls(tmp_path: Path) -> None:
    """While one sync takes seconds dozens of batches are handed over; afterwards all are accepted, in order."""
    steps = round(PER_S * (STALL_S + 1))
    with started(tmp_path, STALL_S, steps) as process:
        assert process.wait(60) == 0, (tmp_path / "errors.txt").read_text()
    text = (tmp_path / "told.txt").read_text()
    lines = [line.split() for line in text.splitlines()]
    accepted_at = [number for number, line in enumerate(lines) if line[0] == "accepted"]
    between = max(after - before for before, after in pairwise(accepted_at))
    assert between > 0.6 * PER_S * STALL_S, "nothing was accepted meanwhile, and the camera handed over all the time"
    held_ms = max(float(line[2]) for line in lines if line[0] == "handed")
    note_figures(tmp_path, stalled_s=STALL_S, batches_meanwhile=between, camera_held_ms=held_ms)
    assert held_ms < HELD_MS
    told = Told.read(text)
    assert told.accepted == set(range(1, 3 * steps + 1))
    assert broken(told, left_in(tmp_path / "spool.sqlite")) == []
    assert len(accepted_at) < steps, "what had piled up went into few transactions"


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.at_length)])
def test_end_during_a_stall_costs_nothing_that_was_accepted(tmp_path: Path, number: signal.Signals) -> None:
    """Asked to end, the process does in time, and knows that it could not write everything."""
    told_path = tmp_path / "told.txt"
    with started(tmp_path, LONG_STALL_S, 10_000) as process:
        eventually(lambda: handed_since_accepted(told_path) > PER_S // 2, 20, lambda: "the disk does not stall")
        process.send_signal(number)
        if number == signal.SIGTERM:  # `strace` keeps the dead process until the delay is over, so it says so itself
            eventually(lambda: "ended" in told_path.read_text(), WRITE_WITHIN_S + 3.0, lambda: "it waits for the disk")
            assert handed_since_accepted(told_path) > 0, "the disk had stalled all the time"
        code = process.wait(60)
    told = Told.read(told_path.read_text())
    assert code == (LEFT if number == signal.SIGTERM else -number)
    assert told.accepted
    assert broken(told, left_in(tmp_path / "spool.sqlite")) == []


def handed_since_accepted(told: Path) -> int:
    """Return how many batches were handed over since one was accepted."""
    text = told.read_text()
    return text[text.rfind("accepted") :].count("handed")

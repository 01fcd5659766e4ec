"""Power fails while the spool is written: what was accepted is on the disk, and the test would see if it were not."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.faults.disk.image import copy_as_if_cut, mounted, new_image, why_not_here
from tests.faults.disk.told import Told, broken, left_in, lost
from tests.faults.scale import SCALE
from tests.faults.summary import note_figures

CHECKOUT = Path(__file__).parents[3]
CUTS = 100 if SCALE.is_full else 8
CONTROL_CUTS = 10
logger = logging.getLogger(__name__)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return an empty file system in a file."""
    missing = why_not_here("mkfs.ext4", "mount", "umount")
    if missing or os.geteuid() != 0:
        pytest.skip(missing or "mounting an image needs root")
    return new_image(tmp_path / "disk.img")


@contextmanager
def writer(spool: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Yield a writer that goes on until it is killed, and what it tells, to be read without waiting."""
    command = [sys.executable, "-m", "tests.faults.disk.writer", str(spool), str(10**9), *arguments]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        try:
            yield process, process.stdout
        finally:
            process.kill()


def stopped(process: subprocess.Popen[bytes]) -> None:
    """Return once a process stands still: no system call of it is under way."""
    process.send_signal(signal.SIGSTOP)
    until_s = time.monotonic() + 20
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < until_s, "it does not stop"
        time.sleep(0.001)


def cut_the_power(image: Path, tmp_path: Path, cuts: int, *arguments: str) -> list[tuple[Told, list[str], list[int]]]:
    """Return for each cut what had been told by then, what of the invariants is broken, and what is lost."""
    chance = SCALE.random("power cuts")
    found = []
    with mounted(image, tmp_path / "disk") as disk, writer(disk / "spool.sqlite", *arguments) as (process, tells):
        text = b""
        for _ in range(cuts):
            known = text.count(b"\n")
            until_s = time.monotonic() + 60
            while text.count(b"\n") < known + 10:
                assert time.monotonic() < until_s, "nothing is written"
                text += tells.read() or b""
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.05))
            stopped(process)
            text += tells.read() or b""
            copy_as_if_cut(image, tmp_path / "copy.img")
            process.send_signal(signal.SIGCONT)
            told = Told.read(text.decode())
            with mounted(tmp_path / "copy.img", tmp_path / "after") as after:
                left = left_in(after / "spool.sqlite")
            found.append((told, broken(told, left), lost(told, left)))
    return found


def test_what_was_accepted_survives_a_power_cut(image: Path, tmp_path: Path) -> None:
    """After each cut the file system and the spool open, and I1, I3, I4 and I8 hold."""
    found = cut_the_power(image, tmp_path, CUTS)
    assert [faults for _, faults, _ in found if faults] == []
    assert len(found) == CUTS
    last = found[-1][0]
    assert last.receipted > 0, "appends and receipts took turns"
    assert len({max(told.accepted) for told, _, _ in found}) == CUTS, "every cut came at another moment"
    note_figures(tmp_path, power_cuts=CUTS, accepted=max(last.accepted), lost=0)
    logger.warning("power cuts: %d, accepted: %d, lost: 0", CUTS, max(last.accepted))


@pytest.mark.parametrize("defect", ["synchronous-off", "synchronous-normal"])
def test_the_cut_is_one(image: Path, tmp_path: Path, defect: str, error_records: list[logging.LogRecord]) -> None:
    """The control: a spool that does not sync each commit loses what it has accepted, and the same checks see it."""
    found = cut_the_power(image, tmp_path, CONTROL_CUTS, "--defect", defect)
    error_records.clear()  # of spools that were found damaged, as they should be here
    seen = [faults for _, faults, missing in found if missing and any("I1" in fault for fault in faults)]
    assert seen, "no cut lost anything: the test would not see a spool that forgets"
    note_figures(tmp_path, control_cuts=len(found), of_them_lost_something=len(seen))
    logger.warning("%s: %d of %d cuts lost what had been accepted", defect, len(seen), len(found))

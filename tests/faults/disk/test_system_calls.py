"""Each system call by which the spool writes is the process's last one, or fails: nothing accepted is gone after it."""

import logging
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.faults.disk.strace import CHECKOUT, KILLED, has_strace, write_under
from tests.faults.disk.told import broken, left_in
from tests.faults.disk.writer import REFUSED, batch, open_spool
from tests.faults.scale import SCALE
from tests.faults.summary import note_figures

logger = logging.getLogger(__name__)

STEPS: Final = 5
KEPT: Final = ("--kept", "6")
"""Five appends and three receipts."""
CALLS: Final = ("pwrite64", "fdatasync", "write", "unlink", "ftruncate", "fallocate")
QUICK_KILLS: Final = 14
FILES: Final = ("", "-journal", "-wal", "-shm", ".ballast")
"""What the spool makes: the openat that makes each is one more call at which it may be killed."""
READS: Final = ("read", "pread64", "fstat", "newfstatat", "statfs", "lseek", "access")
CHANGES_NOTHING: Final = (*READS, "close", "fcntl", "flock", "ioctl", "mmap", "fchown", "openat")


@pytest.fixture(autouse=True)
def _tool() -> None:
    if not has_strace():
        pytest.skip("strace is missing: apt-get install strace")


def kills(calls_seen: dict[str, int]) -> list[tuple[str, int]]:
    """Return which call of each kind is the last one: all of them, or some that are spread over them."""
    every = [(name, number) for name, count in calls_seen.items() for number in range(1, count + 1)]
    if SCALE.is_full:
        return every
    others = [SCALE.random("kills").choice([one for one in every if one[0] == name]) for name in calls_seen]
    return [*others, *SCALE.random("more kills").sample(every, QUICK_KILLS - len(others))]


def count_calls(folder: Path, names: tuple[str, ...], steps: int) -> dict[str, int]:
    """Return how often an undisturbed writer makes each call."""
    counted = {}
    for name in names:
        home = folder / f"count-{name}"
        home.mkdir()
        ended = write_under(home / "spool.sqlite", f"{name}:delay_enter=0", *KEPT, steps=steps)
        assert ended.code == 0, ended.errors
        assert len(ended.told.accepted) == 3 * steps
        counted[name] = ended.injected
    assert all(counted.values()), counted
    return counted


def killed_at(home: Path, call: str, number: int, *arguments: str, file: str | None = None) -> list[str]:
    """Return what is wrong with a spool whose writer's last act was the n-th call of a kind, on any file or on one."""
    home.mkdir()
    tampering, only = f"{call}:signal=KILL:when={number}", None if file is None else home / f"spool.sqlite{file}"
    ended = write_under(home / "spool.sqlite", tampering, *KEPT, *arguments, steps=STEPS, only=only)
    assert ended.code in KILLED, f"{call} {number}: not killed: {ended.errors}"
    faults = []
    if (home / "spool.sqlite").exists():
        faults = [f"{call} {number}: {one}" for one in broken(ended.told, left_in(home / "spool.sqlite"))]
    else:
        assert not ended.told.accepted
    again = open_spool(home / "spool.sqlite")
    again.append(batch(1000))
    again.close()
    shutil.rmtree(home)
    return faults


def test_process_may_be_killed_at_every_system_call(tmp_path: Path) -> None:
    """SIGKILL at the n-th call of each kind, n = 1, 2, … until it passes: I1, I3, I4 and I8 hold each time."""
    seen = count_calls(tmp_path, CALLS, STEPS)
    points = kills(seen)
    faults = [one for call, number in points for one in killed_at(tmp_path / "killed", call, number)]
    files = FILES if SCALE.is_full else SCALE.random("files").sample(FILES, 1)
    faults += [one for suffix in files for one in killed_at(tmp_path / "killed", "openat", 1, file=suffix)]
    assert faults == []
    note_figures(tmp_path, kills_at_calls=len(points) + len(files), lost=0)
    logger.warning("kills at system calls: %d of %s", len(points) + len(files), seen)


def test_calls_that_are_tried_are_all_that_change_a_file(tmp_path: Path) -> None:
    """Killed at a call that changes nothing, the process leaves what it leaves at the next one that does."""
    log = tmp_path / "calls.txt"
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=desc,file", "-e", "signal=none"]
    writer = [sys.executable, "-m", "tests.faults.disk.writer", str(tmp_path / "spool.sqlite"), str(STEPS), *KEPT]
    subprocess.run([*command, *writer], cwd=CHECKOUT, check=True, capture_output=True, timeout=60)
    opened = log.read_text().partition("spool.sqlite.lock")[2]
    used = {match[1] for match in re.finditer(r"^\d+ +(\w+)\(", opened, re.MULTILINE)}
    assert set(CALLS) - {"write"} <= used
    assert used <= {*CALLS, *CHANGES_NOTHING}


@pytest.mark.parametrize(
    ("defect", "call", "finding"),
    [
        ("accepted-before-the-commit", "fdatasync", "I1"),
        pytest.param("numbers-before-the-rows", "pwrite64", "I8", marks=pytest.mark.at_length),
        pytest.param("receipted-before-the-commit", "pwrite64", "receipted, and back", marks=pytest.mark.at_length),
    ],
)
def test_planted_defect_is_seen_by_a_kill(tmp_path: Path, defect: str, call: str, finding: str) -> None:
    """Some kill leaves what must not be left: the test above would be red."""
    planted = ("--defect", defect)
    every_third = range(1, 160, 3)
    found = (one for number in every_third for one in killed_at(tmp_path / "killed", call, number, *planted))
    assert next(one for one in found if finding in one)


@pytest.mark.parametrize(
    ("call", "after", "fault"),
    [
        ("fdatasync", 3, "error=EIO:when={}"),
        ("fdatasync", 8, "error=EIO:when={}+"),
        ("fdatasync", 5, "error=ENOSPC:when={}"),
        ("pwrite64", 40, "error=EIO:when={}"),
        ("pwrite64", 90, "error=ENOSPC:when={}+"),
        ("pwrite64", 60, "retval=0:when={}+"),
    ],
)
def test_what_the_disk_did_not_take_is_not_accepted(tmp_path: Path, call: str, after: int, fault: str) -> None:
    """A sync or a write that fails, or takes nothing, is told as such; what was accepted before is there."""
    spool = tmp_path / "spool.sqlite"
    opening = count_calls(tmp_path, (call,), 0)[call]
    ended = write_under(spool, f"{call}:{fault.format(opening + after)}", *KEPT, steps=40)
    assert ended.injected > 0
    assert ended.code == REFUSED, f"{ended.code}: {ended.errors}"
    assert 0 < len(ended.told.accepted) < 120
    assert broken(ended.told, left_in(spool)) == []


def test_short_write_is_not_accepted(tmp_path: Path) -> None:
    """A file that may not grow takes half of a page and refuses the rest: the batch is refused, earlier ones stay."""
    spool = tmp_path / "spool.sqlite"
    limit = ("--kept", "1000", "--max-file-bytes", str(200 * 1024 + 777))
    ended = write_under(spool, "pwrite64:delay_enter=0", *limit, steps=100)
    assert ended.code == REFUSED, ended.errors
    assert ended.short == 1, "a write was cut short"
    assert ended.told.accepted
    assert broken(ended.told, left_in(spool)) == []

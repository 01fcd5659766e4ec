"""Each system call by which the spool writes is the process's last one, or fails: nothing accepted is gone after it."""

import logging
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.faults.disk.strace import KILLED, has_strace, write_under
from tests.faults.disk.told import broken, left_in
from tests.faults.disk.writer import REFUSED, batch, open_spool
from tests.faults.scale import SCALE

logger = logging.getLogger(__name__)

STEPS: Final = 5
KEPT: Final = ("--kept", "6")
"""Five appends and three receipts."""
CALLS: Final = ("pwrite64", "fdatasync", "write", "unlink", "ftruncate", "fallocate")
QUICK_KILLS: Final = 14


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


def test_process_may_be_killed_at_every_system_call(tmp_path: Path) -> None:
    """SIGKILL at the n-th call of each kind, n = 1, 2, … until it passes: I1, I3, I4 and I8 hold each time."""
    home = tmp_path / "killed"
    seen = count_calls(tmp_path, CALLS, STEPS)
    points = kills(seen)
    faults = []
    for name, number in points:
        home.mkdir()
        ended = write_under(home / "spool.sqlite", f"{name}:signal=KILL:when={number}", *KEPT, steps=STEPS)
        assert ended.code in KILLED, f"{name} {number}: not killed: {ended.errors}"
        if (home / "spool.sqlite").exists():
            faults += [f"{name} {number}: {one}" for one in broken(ended.told, left_in(home / "spool.sqlite"))]
        else:
            assert not ended.told.accepted
        again = open_spool(home / "spool.sqlite")
        again.append(batch(1000))
        again.close()
        shutil.rmtree(home)
    assert faults == []
    logger.warning("kills at system calls: %d of %s", len(points), seen)


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

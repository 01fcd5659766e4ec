"""The spool on disk against what happens to disks and processes."""

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from winnow.events import Receipt
from winnow.pipeline.delivery import (
    DeliveryMetrics,
    SpoolFailedError,
    SpoolForeignError,
    SpoolFullError,
    SpoolLockedError,
    SqliteSpool,
)
from winnow.pipeline.delivery.disk import BALLAST_BYTES, limit_bytes
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.testing import ManualClock

CHECKOUT = Path(__file__).parents[2]
MIB = 1024 * 1024
Open = Callable[..., SqliteSpool]


def new_spool(path: Path, node: str = "shop-1") -> SqliteSpool:
    """Open a spool with room."""
    return SqliteSpool(
        path,
        node=node,
        clock=ManualClock(),
        metrics=DeliveryMetrics(CollectorRegistry()),
        max_bytes=64 * MIB,
        free_floor_bytes=0,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the spool is, in a directory that does not exist yet."""
    return tmp_path / "var" / "spool.sqlite"


@pytest.fixture
def open_spool(path: Path) -> Iterator[Open]:
    """Return a function that opens the spool; whatever it opened is closed afterwards."""
    opened: list[SqliteSpool] = []

    def opener(node: str = "shop-1") -> SqliteSpool:
        opened.append(new_spool(path, node))
        return opened[-1]

    yield opener
    for spool in opened:
        spool.close()


def all_sequences(spool: SqliteSpool) -> list[int]:
    """Return every sequence that waits."""
    return sorted(one.sequence for one in spool.next_batch(limit_messages=100_000, limit_bytes=2**40))


APPEND_UNTIL_KILLED = """
import sys
from pathlib import Path
from tests.contract.test_spool_durability import new_spool
from winnow.pipeline.delivery.testing import crossing, thumbnail
spool = new_spool(Path(sys.argv[1]))
for number in range(10**6):
    batch = [crossing(7 * number + one) for one in range(6)] + [thumbnail(number, size_bytes=8000)]
    accepted = spool.append(batch)
    print(accepted[-1].recorded.sequence, flush=True)
"""


@pytest.mark.parametrize("kill_after_s", [0.05, 0.12, 0.2, 0.31, 0.4])
def test_killed_process_leaves_whole_batches(open_spool: Open, path: Path, kill_after_s: float) -> None:
    """After SIGKILL everything accepted is there, batches are whole, and the sequence has no gap."""
    command = [sys.executable, "-c", APPEND_UNTIL_KILLED, str(path)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        accepted = [int(process.stdout.readline())]
        time.sleep(kill_after_s)
        process.kill()
        accepted += [int(line) for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -9
    spool = open_spool()
    left = all_sequences(spool)
    assert left == list(range(1, len(left) + 1))
    assert len(left) % 7 == 0, "a batch of seven is there whole or not at all"
    assert accepted[-1] <= len(left) <= accepted[-1] + 7, "at most the one batch that was under way"
    spool.append([crossing(0)])
    assert all_sequences(spool)[-1] == len(left) + 1


def test_log_is_empty_before_anything_is_added(open_spool: Open, path: Path) -> None:
    """What a former process left in the log is moved into the file first, whether or not it had reached the disk."""
    spool = open_spool()
    spool.append([crossing(number) for number in range(20)])
    left_behind = path.with_name("copy")
    left_behind.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(path.with_name(name), left_behind / name)
    log = left_behind / f"{path.name}-wal"
    assert log.stat().st_size > 0
    again = new_spool(left_behind / path.name)
    assert log.stat().st_size == 0
    assert all_sequences(again) == list(range(1, 21))
    again.close()


def test_file_of_the_first_version_is_taken_over(open_spool: Open, path: Path) -> None:
    """Rows without a checksum are delivered as they are, and the file is of this version then."""
    spool = open_spool()
    spool.append([crossing(0), thumbnail(1)])
    before = spool.next_batch(limit_messages=9, limit_bytes=2**40)
    spool.close()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("UPDATE message SET user_properties = substr(user_properties, 6)")
    database.execute("DROP TRIGGER picture_goes")
    database.execute("DROP TABLE picture")
    database.execute("PRAGMA user_version = 1")
    database.close()
    again = open_spool()
    assert again.next_batch(limit_messages=9, limit_bytes=2**40) == before
    again.append([thumbnail(2)])
    assert again._database.execute("PRAGMA user_version").fetchone() == (2,)


def test_second_process_is_told_that_the_spool_is_in_use(open_spool: Open, path: Path) -> None:
    """It gets SpoolLockedError and the first one is not disturbed; a closed spool is free again."""
    spool = open_spool()
    script = (
        "import sys; from pathlib import Path\n"
        "from tests.contract.test_spool_durability import new_spool\n"
        "new_spool(Path(sys.argv[1]))"
    )
    command = [sys.executable, "-c", script, str(path)]
    second = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60)
    assert second.returncode == 1
    assert f"SpoolLockedError: spool {path}: is in use" in second.stderr
    with pytest.raises(SpoolLockedError, match="stop the other one"):
        open_spool()
    spool.append([crossing(0)])
    spool.close()
    assert open_spool().depth == 1


def test_spool_of_another_node_is_refused(open_spool: Open) -> None:
    """Both names and the way out are in the message; the file is left alone and free."""
    spool = open_spool()
    spool.append([crossing(0)])
    spool.close()
    with pytest.raises(SpoolForeignError, match=r"belongs to node shop-1, this is node shop-2: name another file"):
        open_spool("shop-2")
    assert open_spool().depth == 1


def test_spool_of_a_newer_version_is_refused(open_spool: Open, path: Path) -> None:
    """A format that this version does not know is neither read nor set aside."""
    open_spool().close()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(SpoolForeignError, match="says 99"):
        open_spool()


@pytest.mark.parametrize("damage", ["overwritten", "header", "page", "no owner"])
def test_damaged_file_is_set_aside_with_an_error(
    open_spool: Open, path: Path, damage: str, expects_error_log: list[logging.LogRecord]
) -> None:
    """The error names both files, the damaged one is kept, and an empty spool with a new epoch takes its place."""
    spool = open_spool()
    spool.append([thumbnail(number, size_bytes=9000) for number in range(30)])
    epoch = spool.epoch
    spool.close()
    _damage(path, damage)
    again = open_spool()
    assert (again.depth, again.last_sequence) == (0, 0)
    assert again.epoch != epoch
    again.append([crossing(0)])
    (record,) = expects_error_log
    kept = path.with_name("spool.sqlite.damaged")
    assert (vars(record)["path"], vars(record)["kept_as"]) == (str(path), str(kept))
    assert kept.exists()


def _damage(path: Path, damage: str) -> None:
    if damage == "no owner":
        with sqlite3.connect(path) as database:
            database.execute("DELETE FROM life")
        database.close()
        return
    content = bytearray(path.read_bytes())
    start, end = {"overwritten": (0, len(content)), "header": (0, 64), "page": (4096, 20 * 4096)}[damage]
    content[start:end] = b"\xa5" * (end - start)
    path.write_bytes(content)


def test_lost_file_begins_a_new_epoch(open_spool: Open, path: Path) -> None:
    """A removed file takes its log with it: nothing old appears under a new epoch."""
    spool = open_spool()
    spool.append([crossing(0)])
    epoch = spool.epoch
    shutil.copy(f"{path}-wal", path.with_name("kept-wal"))
    spool.close()
    path.unlink()
    path.with_name("kept-wal").replace(f"{path}-wal")
    again = open_spool()
    assert (again.depth, again.last_sequence) == (0, 0)
    assert again.epoch != epoch


def test_directory_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    """SpoolFailedError names the file and the setting."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SpoolFailedError, match=r"file/spool.sqlite: cannot be written: .*spool\.path"):
        new_spool(tmp_path / "file" / "spool.sqlite")


def test_full_database_accepts_nothing_of_a_batch(open_spool: Open) -> None:
    """SQLite's own "full" becomes SpoolFullError; what was there stays, and the spool works on once there is room."""
    spool = open_spool()
    spool.append([crossing(0)])
    (pages,) = spool._database.execute("PRAGMA page_count").fetchone()
    spool._database.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolFullError, match="disk is full"):
        spool.append([thumbnail(number, size_bytes=40_000) for number in range(3)])
    assert (spool.last_sequence, all_sequences(spool)) == (1, [1])
    spool._database.execute("PRAGMA max_page_count = 100000")
    spool.append([crossing(1)])
    assert all_sequences(spool) == [1, 2]


FILL_A_SMALL_DISK = """
import os, sys
from pathlib import Path
from tests.contract.test_spool_durability import all_sequences, new_spool
from winnow.events import Receipt
from winnow.pipeline.delivery import SpoolFullError
from winnow.pipeline.delivery.testing import crossing, thumbnail
disk = Path(sys.argv[1])
spool = new_spool(disk / "spool.sqlite")
spool.append([thumbnail(number, size_bytes=20_000) for number in range(150)])
with (disk / "somebody-else").open("wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError as exc:
        assert exc.errno == 28, exc
assert os.statvfs(disk).f_bavail == 0
refused = 0
for number in range(200):
    try:
        spool.append([crossing(number)] * 20)
    except SpoolFullError:
        refused += 1
assert refused, "the disk was not full enough"
before = all_sequences(spool)
assert spool.acknowledge(Receipt(epoch=spool.epoch, upto=spool.last_sequence)) == len(before)
assert not (disk / "spool.sqlite.ballast").exists()
(disk / "somebody-else").unlink()
spool.append([crossing(1000)])
assert all_sequences(spool) == [spool.last_sequence]
assert (disk / "spool.sqlite.ballast").exists()
spool.close()
print("refused", refused)
"""


def test_receipts_are_written_on_a_full_disk(tmp_path: Path) -> None:
    """On a file system without a free byte appends are refused, and the ballast lets receipts through."""
    if shutil.which("unshare") is None:  # util-linux, essential on Debian
        pytest.skip("unshare (util-linux) is missing")
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--user", "--map-root-user"]
    mounted = 'mount -t tmpfs -o size=24m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    command = [*namespace, "sh", "-c", mounted, "sh", str(tmp_path), sys.executable, FILL_A_SMALL_DISK]
    result = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=100)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[1]) > 0


def test_spool_stops_growing_at_the_floor_of_free_space() -> None:
    """The limit is the quota, or what it uses plus what is free above the floor, whichever is less."""
    assert limit_bytes(quota_bytes=100, used_bytes=10, free_bytes=1000, floor_bytes=50) == 100
    assert limit_bytes(quota_bytes=100, used_bytes=10, free_bytes=70, floor_bytes=50) == 30
    assert limit_bytes(quota_bytes=100, used_bytes=10, free_bytes=40, floor_bytes=50) == 10


def test_writes_are_forced_to_the_disk(open_spool: Open) -> None:
    """Write-ahead log, and a sync at every commit: 2 is FULL."""
    spool = open_spool()
    assert spool._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert spool._database.execute("PRAGMA synchronous").fetchone() == (2,)


def test_room_of_receipted_messages_is_used_again(open_spool: Open, path: Path) -> None:
    """The file does not grow with what passes through it."""
    spool = open_spool()
    for number in range(200):
        spool.append([thumbnail(number, size_bytes=20_000)])
        spool.acknowledge(Receipt(epoch=spool.epoch, upto=spool.last_sequence))
    spool.close()
    assert path.stat().st_size < 1 * MIB
    assert path.with_name("spool.sqlite.ballast").stat().st_size == BALLAST_BYTES

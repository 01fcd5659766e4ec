"""Single bits of the spool's files rot: it opens again, what is intact is delivered, the rest is named."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.disk.told import Left, left_in
from tests.faults.disk.writer import batch, open_spool
from tests.faults.scale import SCALE
from tests.faults.summary import note_figures
from winnow.events import Receipt

OFFSETS = 200 if SCALE.is_full else 60
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """A spool before its bytes rot."""

    path: Path
    epoch: str
    waiting: frozenset[int]


@pytest.fixture(params=["file", "log"])
def sound(request: pytest.FixtureRequest, tmp_path: Path) -> Sound:
    """Return a spool whose messages lie in the file itself, or in the log beside it as after a crash."""
    home = tmp_path / "sound"
    spool = open_spool(home / "spool.sqlite")
    for number in range(40):
        spool.append(batch(number))
    spool.acknowledge(Receipt(epoch=spool.epoch, upto=30))
    kept = tmp_path / "kept"
    if request.param == "log":
        shutil.copytree(home, kept)  # with the log, as a killed process leaves it
    spool.close()
    if request.param == "file":
        shutil.copytree(home, kept)
    for beside in ("spool.sqlite.ballast", "spool.sqlite.lock", "spool.sqlite-shm"):
        (kept / beside).unlink(missing_ok=True)
    return Sound(path=kept / "spool.sqlite", epoch=spool.epoch, waiting=frozenset(range(31, 121)))


def test_rotten_bytes_are_named_and_what_is_intact_is_delivered(
    sound: Sound, tmp_path: Path, expects_error_log: list[logging.LogRecord]
) -> None:
    """At each of many seeded places one byte is another: no exception, no altered message, no silent loss."""
    chance = SCALE.random("bit rot")
    outcomes = {"unharmed": 0, "tombstones": 0, "new epoch": 0}
    files = [one for one in sorted(sound.path.parent.iterdir()) if one.stat().st_size]
    for number in range(OFFSETS):
        home = tmp_path / "rotten"
        shutil.copytree(sound.path.parent, home)
        rotten = home / chance.choices(files, [one.stat().st_size for one in files])[0].name
        content = bytearray(rotten.read_bytes())
        place, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        content[place] ^= bit
        rotten.write_bytes(content)
        expects_error_log.clear()
        left = left_in(home / "spool.sqlite")
        outcomes[
            _outcome(sound, left, expects_error_log, f"{rotten.name} byte {place} bit {bit}, number {number}")
        ] += 1
        after = open_spool(home / "spool.sqlite")
        after.append(batch(5000 + number))
        after.close()
        shutil.rmtree(home)
    note_figures(tmp_path, rotten_bits=OFFSETS, **outcomes)
    logger.error("bit rot in %s: %s", [one.name for one in files], outcomes)
    assert outcomes["unharmed"] < OFFSETS, "the bytes that rotted mattered"


def _outcome(sound: Sound, left: Left, errors: list[logging.LogRecord], where: str) -> str:
    """Return what became of a spool; nothing is altered, and whatever is gone was told."""
    assert not left.altered, f"{where}: altered {sorted(left.altered)}"
    assert left.doubled == 0, where
    if left.epoch != sound.epoch:
        assert errors, f"{where}: a new epoch without an alarm"
        return "new epoch"
    missing = sound.waiting - left.waiting - left.named
    assert not missing, f"{where}: gone without a word: {sorted(missing)}"
    if not where.startswith("spool.sqlite-wal"):  # with the end of a log a receipt may be lost: sent again, stored once
        assert min(left.waiting) > 30, f"{where}: receipted, and back"
    if left.named:
        assert errors, f"{where}: given up without an alarm"
        return "tombstones"
    return "unharmed"

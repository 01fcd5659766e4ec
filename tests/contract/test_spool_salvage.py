"""A spool whose pages have rotted: what is intact is delivered, and what is not is named, whenever the process dies."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from winnow.events import Receipt
from winnow.events.data import SpoolDropped
from winnow.events.event import decode_event
from winnow.pipeline.delivery import DeliveryMetrics, SqliteSpool
from winnow.pipeline.delivery.sealing import Rows, SealedRows, SpoolKey
from winnow.pipeline.delivery.testing import crossing, thumbnail
from winnow.runtime.testing import ManualClock

NODE = "shop-1"
ACCEPTED = 400
RECEIPTED = 100
PAGE = 4096
TABLE_LEAF, INDEX_LEAF = 13, 10


def open_spool(path: Path, registry: CollectorRegistry | None = None, rows: Rows | None = None) -> SqliteSpool:
    """Open it as an edge does."""
    metrics = DeliveryMetrics(registry or CollectorRegistry())
    return SqliteSpool(
        path, node=NODE, clock=ManualClock(), metrics=metrics, max_bytes=2**26, free_floor_bytes=0, rows=rows
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a closed spool in which messages 101 to 400 wait, every tenth of them a picture over several pages."""
    path = tmp_path / "spool.sqlite"
    spool = open_spool(path)
    for number in range(ACCEPTED):
        spool.append([thumbnail(number, size_bytes=9000) if number % 10 == 9 else crossing(number)])
    spool.acknowledge(Receipt(epoch=spool.epoch, upto=RECEIPTED))
    spool.close()
    return path


def pages(path: Path, kind: int, mark: bytes = b"") -> list[int]:
    """Return where the pages of a kind begin that hold a mark."""
    content = path.read_bytes()
    starts = range(PAGE, len(content), PAGE)
    return [start for start in starts if content[start] == kind and mark in content[start : start + PAGE]]


def rot(path: Path, *starts: int) -> None:
    """Overwrite the heads of pages."""
    content = bytearray(path.read_bytes())
    for start in starts:
        content[start : start + 64] = b"\xa5" * 64
    path.write_bytes(content)


def found_in(spool: SqliteSpool) -> tuple[set[int], set[int]]:
    """Return which messages wait, tombstones apart, and which are named by tombstones."""
    waiting, named = set(), set()
    for message in spool.next_batch(limit_messages=10_000, limit_bytes=2**40):
        data = decode_event(message.mqtt.payload).data if "events" in message.mqtt.topic else None
        if isinstance(data, SpoolDropped):
            assert (data.dropped_epoch, data.reason) == (spool.epoch, "damaged")
            named |= {number for first, last in data.ranges for number in range(first, last + 1)}
        else:
            waiting.add(message.sequence)
    return waiting, named


def epoch_of(path: Path) -> str:
    """Return the epoch of a sound copy of the spool."""
    copy = path.with_name("sound.sqlite")
    shutil.copy(path, copy)
    spool = open_spool(copy)
    spool.close()
    return spool.epoch


def test_rows_on_a_bad_page_are_named_and_all_others_are_delivered(
    path: Path, expects_error_log: list[logging.LogRecord]
) -> None:
    """Epoch and numbers go on; log, counter and tombstone say the same."""
    epoch, registry = epoch_of(path), CollectorRegistry()
    rot(path, pages(path, TABLE_LEAF, b"line.crossed")[-3])
    spool = open_spool(path, registry)
    waiting, named = found_in(spool)
    assert spool.epoch == epoch
    assert waiting | named == set(range(RECEIPTED + 1, ACCEPTED + 1))
    assert not waiting & named
    assert 1 <= len(named) <= 12
    assert spool.last_sequence == ACCEPTED + 1, "the tombstone"
    (record,) = expects_error_log
    assert vars(record)["node"] == NODE
    assert vars(record)["epoch"] == epoch
    assert vars(record)["messages_saved"] == len(waiting)
    assert vars(record)["messages_lost"] == len(named)
    assert vars(record)["ranges_lost"] == f"{min(named)}-{max(named)}"
    assert registry.get_sample_value("winnow_dropped_messages_total", {"reason": "damaged"}) == len(named)
    assert path.with_name("spool.sqlite.damaged").exists()
    spool.close()
    again = open_spool(path)
    assert found_in(again) == (waiting, named), "told once"
    assert len(expects_error_log) == 1
    again.close()


def test_sealed_rows_are_saved_sealed(path: Path, expects_error_log: list[logging.LogRecord]) -> None:
    """What is saved opens with its key, and the new file shows no more than the old one."""
    rows = SealedRows([SpoolKey(bytes(32))])
    open_spool(path, rows=rows).close()
    rot(path, pages(path, TABLE_LEAF, b"sealed")[-3])
    spool = open_spool(path, rows=rows)
    waiting, named = found_in(spool)
    spool.close()
    assert waiting | named == set(range(RECEIPTED + 1, ACCEPTED + 1))
    assert 1 <= len(named) <= 12
    assert b"line.crossed" not in path.read_bytes()
    assert expects_error_log


def test_bad_index_costs_nothing(path: Path, expects_error_log: list[logging.LogRecord]) -> None:
    """All rows are there, so all are delivered."""
    rot(path, pages(path, INDEX_LEAF)[0])
    spool = open_spool(path)
    assert found_in(spool) == (set(range(RECEIPTED + 1, ACCEPTED + 1)), set())
    assert vars(expects_error_log[0])["messages_lost"] == 0
    spool.close()


def test_without_an_index_more_is_named_rather_than_less(
    path: Path, expects_error_log: list[logging.LogRecord]
) -> None:
    """Nobody knows what waited on the bad page, so every number that may have is named."""
    rot(path, pages(path, TABLE_LEAF, b"line.crossed")[-3], *pages(path, INDEX_LEAF))
    spool = open_spool(path)
    waiting, named = found_in(spool)
    assert waiting | named >= set(range(RECEIPTED + 1, ACCEPTED + 1))
    assert not waiting & named
    assert len(waiting) > 0.9 * (ACCEPTED - RECEIPTED)
    assert expects_error_log
    spool.close()


def test_tree_without_its_root_is_lost_by_name(path: Path, expects_error_log: list[logging.LogRecord]) -> None:
    """No row can be reached; every one that waited is named, and the numbers go on."""
    interior = [start for start in range(PAGE, path.stat().st_size, PAGE) if path.read_bytes()[start] == 5]
    rot(path, *interior)
    spool = open_spool(path)
    assert found_in(spool) == (set(), set(range(RECEIPTED + 1, ACCEPTED + 1)))
    assert expects_error_log
    spool.close()


class DiedError(BaseException):
    """The process ends here."""


@pytest.fixture
def dying(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Return how many more changes of names the process lives; it dies before the next one."""
    left = [10**6]

    def counted(change: Any) -> Any:
        def change_or_die(self: Path, *args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise DiedError
            return change(self, *args, **kwargs)

        return change_or_die

    for name in ("replace", "unlink", "touch"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    yield left
    left[0] = 10**6


def test_start_that_dies_at_any_step_is_made_good_by_the_next(
    path: Path, dying: list[int], expects_error_log: list[logging.LogRecord]
) -> None:
    """Whichever step was the last one, the next start delivers and names the same."""
    sound = path.with_name("log-too")
    spool = open_spool(path)
    spool.append([crossing(1000)])
    sound.mkdir()
    for one in path.parent.glob("spool.sqlite*"):
        shutil.copy(one, sound / one.name)  # with its log, as a killed process leaves it
    spool.close()
    rot(sound / path.name, pages(sound / path.name, TABLE_LEAF, b"line.crossed")[-3])
    outcomes, steps = set(), 0
    while True:
        home = path.with_name(f"dies-{steps}")
        shutil.copytree(sound, home)
        dying[0] = steps
        try:
            open_spool(home / path.name).close()
        except DiedError:
            steps += 1
        else:
            break
        finally:
            dying[0] = 10**6
        spool = open_spool(home / path.name)
        waiting, named = found_in(spool)
        outcomes.add((spool.epoch, frozenset(waiting), frozenset(named)))
        spool.close()
    assert steps >= 6
    assert len(outcomes) == 1
    (_, waited, given_up) = outcomes.pop()
    assert waited | given_up == set(range(RECEIPTED + 1, ACCEPTED + 2))
    assert expects_error_log

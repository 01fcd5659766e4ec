"""Somebody else fills the disk under a running spool, and makes room again: cameras go on, nothing accepted is gone."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.faults.disk.image import run, why_not_here
from tests.faults.disk.told import Told, broken, left_in
from tests.faults.disk.writer import NODE, batch
from tests.faults.scale import SCALE
from winnow.events import Receipt
from winnow.pipeline.delivery import DeliveryMetrics, SpoolOutbox, SqliteSpool
from winnow.runtime.testing import ManualClock

ROUNDS = 10 if SCALE.is_full else 2
MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 24 MiB in memory."""
    missing = why_not_here("mount", "umount")
    if missing or os.geteuid() != 0:
        pytest.skip(missing or "mounting needs root")
    at = tmp_path / "small"
    at.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(at))
    yield at  # a test that failed may leave its spool open: lazy, so that no mount outlives it
    run("umount", "--lazy", str(at))


def fill_up(path: Path) -> None:
    """Write until the file system has not a byte left."""
    with path.open("ab", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def test_spool_recovers_from_a_full_disk_without_a_restart(
    small_disk: Path, expects_error_log: list[logging.LogRecord]
) -> None:
    """Full and free by turns: no camera gets an exception, receipts go through, what is lost is counted."""
    registry = CollectorRegistry()
    metrics = DeliveryMetrics(registry)
    path = small_disk / "spool.sqlite"
    spool = SqliteSpool(
        path, node=NODE, clock=ManualClock(), metrics=metrics, max_bytes=64 * MIB, free_floor_bytes=64 * 1024
    )
    outbox = SpoolOutbox(spool, notify=lambda: None, metrics=metrics)
    told = Told(epochs=[spool.epoch])
    number = 0

    def accept(count: int) -> int:
        nonlocal number
        taken = 0
        for _ in range(count):
            accepted = registry.get_sample_value("winnow_accepted_messages_total")
            outbox.accept(batch(number))
            number += 1
            if registry.get_sample_value("winnow_accepted_messages_total") != accepted:
                taken += 1
        return taken

    for _ in range(ROUNDS):
        before = spool.last_sequence
        assert accept(30) == 30
        told.accepted |= set(range(before + 1, spool.last_sequence + 1))
        fill_up(small_disk / "somebody-else")
        assert os.statvfs(small_disk).f_bavail == 0
        before_full = registry.get_sample_value("winnow_dropped_messages_total", {"reason": "full"}) or 0.0
        before = spool.last_sequence
        taken = accept(600)
        told.accepted |= set(range(before + 1, spool.last_sequence + 1))
        full = registry.get_sample_value("winnow_dropped_messages_total", {"reason": "full"}) or 0.0
        assert full - before_full == 3 * (600 - taken), "what was not accepted is counted, each message once"
        assert full > before_full, "the disk was not full enough"
        told.receipts = spool.last_sequence - 10
        assert spool.acknowledge(Receipt(epoch=spool.epoch, upto=told.receipts)) > 0
        told.receipted = told.receipts
        (small_disk / "somebody-else").unlink()
        before = spool.last_sequence
        assert accept(5) == 5, "there is room again"
        told.accepted |= set(range(before + 1, spool.last_sequence + 1))
    spool.close()
    assert any("full" in record.getMessage() for record in expects_error_log)
    assert broken(told, left_in(path)) == []

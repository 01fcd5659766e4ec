"""Sums by day and camera, over restarts and midnight; and what a day's limit does to pictures, never to events."""

import logging
import os
import threading
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from winnow.events.data import ModelRef, WireBytes
from winnow.pipeline.bandwidth import Accounts, AccountsCollector, DailyBudget, DayBook, DayFile, DayTotals
from winnow.pipeline.bandwidth.accounts import SAVE_EVERY_S
from winnow.pipeline.bandwidth.budget import size_within
from winnow.pipeline.bandwidth.day_book import DAYS_KEPT, NODE
from winnow.pipeline.bandwidth.held_pictures import HeldPictures, HeldReason
from winnow.pipeline.delivery.wire import SentBytes
from winnow.pipeline.node_stats import CameraCounters, StatisticsReporter
from winnow.runtime.testing import ManualClock

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 5, 1, 20, tzinfo=UTC)


class Node:
    """A process that reads and sends what a test says.

    Attributes:
        read: bytes that the camera `door` has read.
        sent: bytes that went out, by camera.
        waiting: bytes in the spool.
    """

    def __init__(self, path: Path, clock: ManualClock, *, limit_bytes: int | None = None) -> None:
        self.read = 0
        self.sent: dict[str | None, SentBytes] = {}
        self.waiting = 0
        self.budget = DailyBudget(limit_bytes)
        self.clock = clock
        self.accounts = Accounts(
            sent=lambda camera: self.sent.get(camera, SentBytes()),
            waiting_bytes=lambda: self.waiting,
            file=DayFile(path),
            budget=self.budget,
            zone=BERLIN,
            clock=clock,
        )

    def update(self, *, at_once: bool = True) -> None:
        """Bring the accounts up to date."""
        self.accounts.update(lambda: {"door": self.read}, at_once=at_once)

    @property
    def today(self) -> DayTotals:
        """Return the sums of the camera."""
        return self.accounts.of("door").today


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the sums are kept."""
    return tmp_path / "spool.sqlite.days.json"


def test_day_goes_on_after_a_restart(path: Path) -> None:
    """A new process counts from zero and adds to what the last one left."""
    clock = ManualClock(EVENING)
    for _ in range(2):
        node = Node(path, clock)
        node.read = 1000
        node.sent["door"] = SentBytes(events=10, thumbnails=20, resent=1)
        node.sent[None] = SentBytes(events=5)
        node.update()
        node.accounts.close()
    assert node.today == DayTotals(read=2000, events=20, thumbnails=40, resent=2)
    assert node.accounts.sent_today() == 2 * 36
    assert node.accounts.of(None).today == DayTotals(events=10)


def test_day_begins_at_midnight_of_its_time_zone(path: Path) -> None:
    """Berlin's second of May begins while it is still the first in UTC."""
    clock = ManualClock(EVENING)
    node = Node(path, clock)
    node.sent["door"] = SentBytes(events=100)
    node.update()
    assert node.accounts.day == date(2026, 5, 1)
    clock.advance(2.5 * 3600)
    node.sent["door"] = SentBytes(events=130)
    node.update()
    assert node.accounts.day == date(2026, 5, 2)
    assert clock.now().date() == date(2026, 5, 1)
    assert node.today.sent == 30


def test_limit_and_zone_change_while_the_box_runs(path: Path) -> None:
    """A new limit counts at once, for what was sent before it too; another zone may make it another day."""
    node = Node(path, ManualClock(datetime(2026, 5, 1, 23, tzinfo=UTC)))
    node.sent["door"] = SentBytes(events=100)
    node.update()
    assert (node.budget.size, node.accounts.day) == ("full", date(2026, 5, 2))
    sizes: list[str] = []
    for limit_bytes, zone in ((120, BERLIN), (120, ZoneInfo("UTC")), (120, BERLIN), (None, BERLIN)):
        node.accounts.change_day(limit_bytes, zone)
        sizes.append(node.budget.size)
    assert sizes == ["small", "full", "small", "full"]
    node.accounts.change_day(None, ZoneInfo("UTC"))
    assert node.accounts.day == date(2026, 5, 1)


def test_clock_that_was_wrong_spoils_no_day(path: Path) -> None:
    """A box that started in 2038 goes on with the true day once its clock is right; nothing is blocked until 2038."""
    clock = ManualClock(EVENING)
    node = Node(path, clock, limit_bytes=1000)
    node.sent["door"] = SentBytes(events=100)
    node.update()
    clock.step_wall(12 * 365 * 86400)
    node.sent["door"] = SentBytes(events=2000)
    node.update()
    assert node.budget.size == "none"
    clock.step_wall(-12 * 365 * 86400)
    node.update()
    assert (node.today.sent, node.budget.size) == (100, "full")


def test_camera_that_was_opened_anew_is_not_subtracted(path: Path) -> None:
    """Its source counts from zero again."""
    node = Node(path, ManualClock(EVENING))
    for read in (500, 700, 100):
        node.read = read
        node.update()
    assert node.today.read == 800


def test_last_bytes_are_kept_by_an_orderly_end(path: Path) -> None:
    """What the publisher sent after the cameras had ended belongs to the day."""
    clock = ManualClock(EVENING)
    node = Node(path, clock)
    node.read = 70
    node.update()
    node.sent["door"] = SentBytes(events=33)
    node.accounts.close()
    assert Node(path, clock).today == DayTotals(read=70, events=33)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b'{"2026-05-01": 7}', b'{"x": {}}'])
def test_unreadable_file_starts_anew(path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The sums are an account: a damaged one is told and does not keep the box from watching."""
    path.write_bytes(content)
    node = Node(path, ManualClock(EVENING))
    node.sent["door"] = SentBytes(events=1)
    node.update()
    assert node.accounts.sent_today() == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_file_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Not every half minute for months."""
    node = Node(tmp_path / "gone" / "days.json", ManualClock(EVENING))
    for _ in range(3):
        node.accounts.close()
    assert len(caplog.records) == 1


def test_disk_that_stalls_holds_nobody(path: Path) -> None:
    """A pipe that nobody reads takes the place of the disk: the sums go on in memory, and one thread waits."""
    clock = ManualClock(EVENING)
    node = Node(path, clock)
    pipe = path.with_name(f"{path.name}.new")
    os.mkfifo(pipe)
    for read in (1000, 2000, 3000):
        clock.advance(SAVE_EVERY_S)
        node.read = read
        node.update(at_once=False)
    assert node.today.read == 3000
    assert [thread.name for thread in threading.enumerate()].count("day-file") == 1
    os.close(os.open(pipe, os.O_RDONLY))
    pipe.unlink()
    node.accounts.close()
    assert Node(path, clock).today.read == 3000


def test_book_keeps_a_month() -> None:
    """The file stays small for ever."""
    book = DayBook()
    for ordinal in range(740000, 740200):
        book.add(date.fromordinal(ordinal), {"door": DayTotals(read=1)})
    assert len(book.days) == DAYS_KEPT
    assert NODE not in book.days[date.fromordinal(740199)]


@given(st.integers(0, 2000), st.integers(0, 2000))
def test_more_used_never_makes_pictures_larger(used: int, more: int) -> None:
    """Full, then small, then none; without a limit always full."""
    order = ("full", "small", "none")
    assert order.index(size_within(used, 1000)) <= order.index(size_within(used + more, 1000))
    assert size_within(used + more, None) == "full"


def test_limit_shrinks_pictures_then_stops_them_and_midnight_frees_them(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each change is logged once, also after a restart; what waits in the spool counts, for it will be sent."""
    clock = ManualClock(EVENING)
    node = Node(path, clock, limit_bytes=100_000)
    sizes = []
    for sent in (69_000, 71_000, 80_000, 91_000):
        node.sent["door"] = SentBytes(thumbnails=sent)
        node.update()
        sizes.append(node.budget.size)
    assert sizes == ["full", "small", "small", "none"]
    assert len(caplog.records) == 2
    node.accounts.close()
    assert Node(path, clock, limit_bytes=100_000).budget.size == "none"
    clock.advance(3 * 3600)
    node.update()
    sizes = [node.budget.size]
    node.waiting = 75_000
    node.update()
    assert [*sizes, node.budget.size] == ["full", "small"]


def test_what_is_held_back_is_counted_by_reason() -> None:
    """Each question is about one picture."""
    held: Counter[HeldReason] = Counter()
    budget = DailyBudget(1000)
    pictures = HeldPictures(sends_early=lambda: False, size=lambda: budget.size, held=held)
    assert (pictures.allows_early(), pictures.size()) == (False, "full")
    budget.update(800)
    assert pictures.size() == "small"
    budget.update(950)
    assert (pictures.size(), pictures.size()) == ("none", "none")
    assert held == {"overload": 1, "budget_small": 1, "budget_none": 2}


def test_statistics_tell_the_growth_on_the_wire_and_the_day(path: Path) -> None:
    """By camera and for the node's own events; the limit and what it allows stand beside."""
    clock = ManualClock(EVENING)
    node = Node(path, clock, limit_bytes=1_000_000)
    reporter = StatisticsReporter(ModelRef(name="m", sha256="0" * 64))
    counters = CameraCounters(
        frames_decoded=0,
        frames_analysed=0,
        frames_dropped={},
        bytes_in=0,
        bytes_out=0,
        latency_p50_ms=0,
        latency_p95_ms=0,
    )
    for total in (100, 250):
        node.read = 40 * total
        node.sent = {"door": SentBytes(events=total, thumbnails=2 * total, resent=1), None: SentBytes(events=total)}
        node.update()
        stats = reporter.report([("door", counters)], period_s=60, spool_depth=0, spool_bytes=0, accounts=node.accounts)
    (door,) = stats.cameras
    assert door.wire == WireBytes(events=150, thumbnails=300, resent=0)
    assert door.bytes_sent == 450
    assert door.day is not None
    assert (door.day.day, door.day.read, door.day.sent) == ("2026-05-01", 10_000, 751)
    assert stats.link is not None
    assert (stats.link.own.events, stats.link.sent, stats.link.daily_bytes) == (150, 1001, 1_000_000)
    assert stats.link.pictures == "full"


def test_metrics_show_the_accounts(path: Path) -> None:
    """What went out by camera and kind, the day, and the limit."""
    node = Node(path, ManualClock(EVENING), limit_bytes=1000)
    node.read, node.sent = 900, {"door": SentBytes(events=7, thumbnails=800), None: SentBytes(events=3)}
    node.update()
    registry = CollectorRegistry()
    registry.register(AccountsCollector(node.accounts, lambda: ["door"]))

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"winnow_{name}", labels)

    assert value("wire_bytes_total", camera="door", what="thumbnails") == 800
    assert value("wire_bytes_total", camera="-", what="events") == 3
    assert value("day_bytes", camera="door", direction="read") == 900
    assert value("day_limit_bytes") == 1000
    assert (value("pictures_allowed", size="small"), value("pictures_allowed", size="full")) == (1, 0)

"""Cameras hand over and go on, whatever the disk does; what is accepted is in order, and what is not is counted."""

import logging
from collections.abc import Sequence
from threading import Event as Flag
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry

from winnow.pipeline.delivery import DeliveryMetrics, HandOver, Message, SpoolFailedError, SpoolOutbox
from winnow.pipeline.delivery.hand_over import AT_ONCE_MESSAGES, Load, taken
from winnow.pipeline.delivery.testing import MemorySpool, crossing, thumbnail, update
from winnow.runtime.testing import ManualClock

ROOM_FOR_20 = Load(20, 2**30)


class Disk(MemorySpool):
    """A spool whose disk may stall or fail.

    Attributes:
        goes_on: cleared while it stalls.
        fails: it takes nothing any more.
        batches: what each transaction accepted.
    """

    def __init__(self, max_bytes: int = 2**40) -> None:
        super().__init__(node="shop-1", clock=ManualClock(), max_bytes=max_bytes)
        self.goes_on = Flag()
        self.goes_on.set()
        self.fails = False
        self.batches: list[list[Message]] = []

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """Stall, fail or accept."""
        assert self.goes_on.wait(10)
        if self.fails:
            raise SpoolFailedError(None, "disk I/O error")
        self.batches.append(super().append(messages))
        return self.batches[-1]

    def accepted(self) -> list[str]:
        """Return the ids of what was accepted, in order."""
        return [one.id for batch in self.batches for one in batch]


class Rig:
    """A disk, and what hands over to it."""

    def __init__(self, disk: Disk | None = None, *, most: Load = ROOM_FOR_20) -> None:
        self.disk = disk or Disk()
        self.registry = CollectorRegistry()
        self.stopping = Flag()
        metrics = DeliveryMetrics(self.registry)
        outbox = SpoolOutbox(self.disk, notify=lambda: None, metrics=metrics)
        self.hand_over = HandOver(outbox, metrics=metrics, stopping=self.stopping, most=most)

    def dropped(self, reason: str) -> float:
        """Return what was counted as given up."""
        return self.registry.get_sample_value("winnow_dropped_messages_total", {"reason": reason}) or 0.0


@pytest.fixture
def rig() -> Rig:
    """Return a rig with room for twenty messages in front of the disk."""
    return Rig()


def test_what_waits_for_the_disk_goes_into_one_transaction_in_order(rig: Rig) -> None:
    """Three hand-overs cost one sync; until then nothing is accepted, and everything counts as waiting."""
    messages: list[Message] = [crossing(0), thumbnail(0), crossing(1), update(2)]
    rig.hand_over.take(messages[:2])
    rig.hand_over.take(messages[2:3])
    rig.hand_over.take(messages[3:])
    assert (rig.disk.depth, rig.hand_over.depth) == (0, 4)
    assert rig.registry.get_sample_value("winnow_unaccepted_messages") == 4
    rig.hand_over.run_once()
    assert rig.disk.accepted() == [one.id for one in messages]
    assert len(rig.disk.batches) == 1
    assert (rig.disk.depth, rig.hand_over.depth) == (4, 4)
    assert rig.registry.get_sample_value("winnow_unaccepted_messages") == 0


def test_transactions_have_a_size() -> None:
    """A long stall is not followed by one huge transaction; what was handed over together stays together."""
    rig = Rig(most=Load(10_000, 2**30))
    for number in range(0, 2 * AT_ONCE_MESSAGES, 3):
        rig.hand_over.take([crossing(number), crossing(number + 1), crossing(number + 2)])
    rig.hand_over.run_once()
    assert AT_ONCE_MESSAGES - 3 < len(rig.disk.batches[0]) <= AT_ONCE_MESSAGES
    assert len(rig.disk.batches[0]) % 3 == 0


@pytest.mark.parametrize(
    ("share", "kinds"),
    [
        (0.0, ["line.crossed", "object.updated", "thumbnail.captured"]),
        (0.5, ["line.crossed", "object.updated"]),
        (0.75, ["line.crossed"]),
        (0.99, ["line.crossed"]),
        (1.0, []),
    ],
)
def test_what_matters_least_is_refused_first(share: float, kinds: list[str]) -> None:
    """As the queue fills up, thumbnails are not taken, then updates, and rule events last."""
    assert [one.kind for one in taken([crossing(0), update(0), thumbnail(0)], share)] == kinds


def test_camera_goes_on_while_the_disk_stalls_and_what_is_refused_is_counted(
    rig: Rig, expects_error_log: list[logging.LogRecord]
) -> None:
    """Nothing waits; all that was taken is accepted in order once the disk goes on, and the log names the loss once."""
    rig.disk.goes_on.clear()
    rig.hand_over.start()
    for number in range(30):
        rig.hand_over.take([crossing(number), thumbnail(number)])
    assert rig.disk.accepted() == []
    lost = rig.dropped("stalled")
    rig.disk.goes_on.set()
    assert rig.hand_over.close(10)
    kinds = [one.kind for batch in rig.disk.batches for one in batch]
    assert len(kinds) == 20
    assert lost == 40
    assert kinds.count("thumbnail.captured") == 5, "half of the room is kept for events"
    crossings = [one.id for batch in rig.disk.batches for one in batch if one.kind == "line.crossed"]
    assert crossings == [crossing(number).id for number in range(15)]
    assert [record.getMessage() for record in expects_error_log] == [
        "The disk has stalled: messages are lost",
        "The disk takes messages again",
    ]
    assert vars(expects_error_log[1])["messages_lost"] == 40


def test_recording_waits_for_room_and_loses_nothing(rig: Rig) -> None:
    """It does not run away: every message is accepted, in order."""
    rig.hand_over.start()
    for number in range(100):
        rig.hand_over.take_all([crossing(number), thumbnail(number)])
    assert rig.hand_over.close(10)
    assert rig.disk.accepted() == [one.id for number in range(100) for one in (crossing(number), thumbnail(number))]


def test_recording_does_not_wait_for_a_stalled_disk_when_the_process_is_to_stop(
    rig: Rig, expects_error_log: list[logging.LogRecord]
) -> None:
    """It goes on at once, as a live camera does."""
    for number in range(20):
        rig.hand_over.take([crossing(number)])
    waits = Thread(target=rig.hand_over.take_all, args=([crossing(20)],))
    waits.start()
    waits.join(0.3)
    assert waits.is_alive()
    rig.stopping.set()
    waits.join(10)
    assert not waits.is_alive()
    assert rig.dropped("stalled") == 1
    assert expects_error_log


def test_end_does_not_wait_for_a_stalled_disk(rig: Rig, expects_error_log: list[logging.LogRecord]) -> None:
    """In time it gives up, and says how many messages it has lost; the thread is left with what it was at."""
    rig.disk.goes_on.clear()
    rig.hand_over.start()
    for number in range(7):
        rig.hand_over.take([crossing(number)])
    assert not rig.hand_over.close(0.05)
    assert rig.dropped("stalled") == 7
    assert vars(expects_error_log[0])["messages"] == 7
    assert rig.hand_over.depth == 0, "nothing waits any more"
    rig.hand_over.take([crossing(8)])
    assert rig.dropped("stalled") == 8, "nobody would write it any more"
    rig.disk.goes_on.set()
    assert rig.hand_over.close(10)
    assert rig.hand_over.depth == rig.disk.depth, "what was under way may have been accepted after all"


def test_failing_disk_is_told_to_everybody(rig: Rig, expects_error_log: list[logging.LogRecord]) -> None:
    """What waited is counted; from then on nobody can hand over."""
    rig.disk.fails = True
    rig.hand_over.take([crossing(0), crossing(1)])
    rig.hand_over.start()
    assert rig.hand_over.close(10)
    assert str(rig.hand_over.failure) == "disk I/O error"
    assert rig.dropped("failed") == 2
    assert vars(expects_error_log[0])["messages"] == 2
    for hand_over in (rig.hand_over.take, rig.hand_over.take_all):
        with pytest.raises(SpoolFailedError, match="disk I/O error"):
            hand_over([crossing(2)])


def test_refused_batch_does_not_cost_the_others(rig: Rig, expects_error_log: list[logging.LogRecord]) -> None:
    """One is another node's: it is counted and logged, and the rest is accepted in order."""
    rig.hand_over.take([crossing(0)])
    rig.hand_over.take([crossing(1, node="shop-2")])
    rig.hand_over.take([crossing(2)])
    rig.hand_over.run_once()
    assert rig.disk.accepted() == [crossing(0).id, crossing(2).id]
    assert rig.dropped("contract") == 1
    assert [record.getMessage() for record in expects_error_log] == ["Messages break the contract and are lost"]


def test_full_spool_costs_messages_and_nobody_fails(expects_error_log: list[logging.LogRecord]) -> None:
    """Each batch that found no room is counted, once."""
    rig = Rig(Disk(max_bytes=100))
    rig.hand_over.take([crossing(0)])
    rig.hand_over.take([crossing(1), crossing(2)])
    rig.hand_over.run_once()
    assert rig.dropped("full") == 3
    assert [vars(record)["messages"] for record in expects_error_log] == [1, 2]
    assert rig.hand_over.failure is None

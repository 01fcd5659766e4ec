"""What every spool does, on disk and in memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from winnow.events import ContractError, Event, Receipt
from winnow.events.data import SpoolDropped
from winnow.events.mqtt import from_mqtt
from winnow.pipeline.delivery import DeliveryMetrics, Spool, SpooledMessage, SqliteSpool
from winnow.pipeline.delivery.sealing import ReadableRows, SealedRows, SpoolKey
from winnow.pipeline.delivery.testing import MemoryFile, MemorySpool, crossing, thumbnail, update
from winnow.runtime.testing import ManualClock

MIB = 1024 * 1024


class Bench:
    """Opens one kind of spool, again and again on the same storage, and closes them all."""

    def __init__(self, make: Callable[[int], Spool]) -> None:
        self._make = make
        self._opened: list[Spool] = []

    def open(self, max_bytes: int) -> Spool:
        """Return the spool with this quota."""
        self._opened.append(self._make(max_bytes))
        return self._opened[-1]

    def close(self) -> None:
        """Close every spool; twice does no harm."""
        for spool in self._opened:
            spool.close()


@pytest.fixture(params=["sqlite", "sealed", "memory"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Return a way to open a spool that is empty at first."""
    clock = ManualClock()
    file = MemoryFile(epoch="memory")

    def in_memory(quota: int) -> Spool:
        return MemorySpool(file, node="shop-1", clock=clock, max_bytes=quota)

    def on_disk(quota: int) -> Spool:
        path, metrics = tmp_path / "spool.sqlite", DeliveryMetrics(CollectorRegistry())
        rows = SealedRows([SpoolKey(bytes(32))]) if request.param == "sealed" else ReadableRows()
        return SqliteSpool(
            path, node="shop-1", clock=clock, metrics=metrics, max_bytes=quota, free_floor_bytes=0, rows=rows
        )

    bench = Bench(in_memory if request.param == "memory" else on_disk)
    yield bench
    bench.close()


@pytest.fixture
def spool(bench: Bench) -> Spool:
    """Return an empty spool with room."""
    return bench.open(64 * MIB)


def waiting(
    spool: Spool, *, live_after: int | None = None, max_message_bytes: int | None = None
) -> list[SpooledMessage]:
    """Return everything that waits, in the order in which it goes out."""
    return spool.next_batch(
        limit_messages=10_000, limit_bytes=2**40, live_after=live_after, max_message_bytes=max_message_bytes
    )


def numbers(messages: list[SpooledMessage]) -> list[int]:
    """Return the sequences of messages."""
    return [message.sequence for message in messages]


def test_append_numbers_messages_without_a_gap(spool: Spool) -> None:
    """Events and thumbnails share one sequence from 1 on, stamped with epoch and time of acceptance."""
    first = spool.append([crossing(0), thumbnail(0)])
    second = spool.append([update(1)])
    records = [message.recorded for message in first + second]
    assert [record.sequence for record in records if record] == [1, 2, 3]
    assert {(record.epoch, record.at) for record in records if record} == {(spool.epoch, ManualClock().now())}
    assert (spool.last_sequence, spool.depth) == (3, 3)


def test_what_waits_is_what_was_accepted(spool: Spool) -> None:
    """The stored PUBLISH reads back as the accepted message."""
    accepted = spool.append([crossing(0), update(1), thumbnail(2)])
    read = [from_mqtt(one.mqtt.topic, one.mqtt.payload, one.mqtt.user_properties) for one in waiting(spool)]
    assert read == accepted


def test_reading_takes_nothing_away(spool: Spool) -> None:
    """A batch is there again until it is receipted."""
    spool.append([crossing(0), crossing(1)])
    assert waiting(spool) == waiting(spool)
    assert spool.depth == 2


def test_changes_leave_before_updates_before_thumbnails(spool: Spool) -> None:
    """Within a class the oldest goes first."""
    spool.append([thumbnail(0), update(1), crossing(2), thumbnail(3), update(4), crossing(5)])
    assert numbers(waiting(spool)) == [3, 6, 2, 5, 1, 4]


def test_live_events_overtake_the_backlog_and_pictures_wait_for_all_events(spool: Spool) -> None:
    """What is newer than the mark goes before what is older; pictures come last, live ones first."""
    spool.append([crossing(0), update(1), thumbnail(2), crossing(3), update(4), thumbnail(5)])
    assert numbers(waiting(spool, live_after=3)) == [4, 5, 1, 2, 6, 3]


def test_batch_keeps_to_its_limits(spool: Spool) -> None:
    """No more messages and bytes than allowed, and none that is excluded or too large for the broker."""
    spool.append([crossing(number) for number in range(5)] + [thumbnail(5, size_bytes=9000)])
    size = waiting(spool)[0].size_bytes
    assert numbers(spool.next_batch(limit_messages=2, limit_bytes=MIB)) == [1, 2]
    assert numbers(spool.next_batch(limit_messages=9, limit_bytes=3 * size)) == [1, 2, 3]
    assert numbers(spool.next_batch(limit_messages=2, limit_bytes=MIB, excluding={1, 3})) == [2, 4]
    assert numbers(waiting(spool, max_message_bytes=9000)) == [1, 2, 3, 4, 5]
    assert spool.next_batch(limit_messages=0, limit_bytes=MIB) == []


def test_read_returns_those_that_still_wait(spool: Spool) -> None:
    """Sequences that are gone or never were are left out."""
    spool.append([crossing(0), crossing(1), crossing(2)])
    spool.acknowledge(Receipt(epoch=spool.epoch, also=(2,)))
    assert numbers(spool.read([3, 2, 1, 99])) == [1, 3]


def test_receipt_deletes_exactly_what_it_names(spool: Spool) -> None:
    """`upto` and `also` delete; what is unknown or gone counts as nothing."""
    spool.append([crossing(number) for number in range(8)])
    assert spool.acknowledge(Receipt(epoch=spool.epoch, upto=2, also=(2, 5, 7, 99))) == 4
    assert numbers(waiting(spool)) == [3, 4, 6, 8]
    assert spool.acknowledge(Receipt(epoch=spool.epoch, upto=2, also=(5,))) == 0


def test_receipt_of_another_epoch_changes_nothing(spool: Spool) -> None:
    """A receipt that was meant for an earlier life of the spool deletes nothing."""
    spool.append([crossing(0)])
    assert spool.acknowledge(Receipt(epoch="another", upto=9, also=(1,))) == 0
    assert spool.depth == 1


def test_size_is_that_of_what_waits(spool: Spool) -> None:
    """It grows with what is accepted, shrinks with what is receipted, and ends at zero."""
    spool.append([crossing(0), thumbnail(1)])
    assert spool.size_bytes == sum(message.size_bytes for message in waiting(spool)) > 2000
    spool.acknowledge(Receipt(epoch=spool.epoch, upto=2))
    assert (spool.depth, spool.size_bytes) == (0, 0)


def test_everything_is_there_after_reopening(bench: Bench) -> None:
    """Messages, epoch and count survive; nothing else is needed."""
    spool = bench.open(MIB)
    spool.append([crossing(0), thumbnail(1)])
    before, epoch, size_bytes = waiting(spool), spool.epoch, spool.size_bytes
    spool.close()
    again = bench.open(MIB)
    assert (waiting(again), again.epoch, again.last_sequence) == (before, epoch, 2)
    assert (again.depth, again.size_bytes) == (2, size_bytes)


def test_sequence_goes_on_after_everything_was_receipted(bench: Bench) -> None:
    """An empty spool that is opened again does not start at 1."""
    spool = bench.open(MIB)
    spool.append([crossing(0), crossing(1)])
    spool.acknowledge(Receipt(epoch=spool.epoch, upto=2))
    spool.close()
    again = bench.open(MIB)
    again.append([crossing(2)])
    assert numbers(waiting(again)) == [3]


def test_batch_with_one_bad_message_is_refused_whole(spool: Spool) -> None:
    """Too large, or of another node: nothing is accepted and no sequence is used."""
    with pytest.raises(ContractError, match="49153 bytes") as too_large:
        spool.append([crossing(0), thumbnail(1, size_bytes=48 * 1024 + 1)])
    with pytest.raises(ContractError, match="node shop-2") as foreign:
        spool.append([crossing(0), crossing(1, node="shop-2")])
    assert (too_large.value.reason, foreign.value.reason) == ("size", "identity")
    assert (spool.last_sequence, spool.depth) == (0, 0)


def test_appending_nothing_changes_nothing(spool: Spool) -> None:
    """An empty batch is accepted as such."""
    assert spool.append([]) == []
    assert spool.last_sequence == 0


def tombstones_of(spool: Spool) -> list[SpoolDropped]:
    """Return what the waiting tombstones say."""
    found = []
    for one in waiting(spool):
        message = from_mqtt(one.mqtt.topic, one.mqtt.payload, one.mqtt.user_properties)
        if isinstance(message, Event) and isinstance(message.data, SpoolDropped):
            found.append(message.data)
    return found


def named(tombstones: list[SpoolDropped]) -> list[int]:
    """Return every sequence that tombstones name."""
    return [n for data in tombstones for first, last in data.ranges for n in range(first, last + 1)]


def test_full_spool_gives_up_the_oldest_thumbnails_first(bench: Bench) -> None:
    """One tombstone in the same step names exactly what is gone; events stay."""
    spool = bench.open(MIB)
    spool.append([crossing(0), crossing(1)])
    for number in range(2, 29):
        spool.append([thumbnail(number, size_bytes=40_000)])
    (tombstone,) = tombstones_of(spool)
    gone = sorted(set(range(1, spool.last_sequence + 1)) - set(numbers(waiting(spool))))
    assert named([tombstone]) == gone == list(range(3, 3 + len(gone)))
    assert (tombstone.dropped_epoch, tombstone.count, tombstone.reason) == (spool.epoch, len(gone), "space")
    assert spool.size_bytes <= MIB


def test_records_are_given_up_last(bench: Bench) -> None:
    """Updates go while there are any; then the oldest line crossings."""
    spool = bench.open(MIB)
    spool.append([update(number) for number in range(400)])
    spool.append([crossing(number) for number in range(2500)])
    left = {message.sequence for message in waiting(spool)}
    assert not left & set(range(1, 401))
    assert spool.last_sequence - len(left) - 400 > 0, "some crossings had to go as well"
    assert sorted(left)[:-1] == list(range(min(left), 2901)), "the newest crossings are left, and the tombstone"


def test_tombstones_are_merged_and_stay_few(bench: Bench) -> None:
    """However often space runs out, every sequence is in the spool or named by the tombstones in it."""
    spool = bench.open(MIB)
    for number in range(300):
        spool.append([thumbnail(number, size_bytes=20_000), update(number)])
    left = numbers(waiting(spool))
    tombstones = tombstones_of(spool)
    assert len(tombstones) <= 2
    assert set(left) | set(named(tombstones)) == set(range(1, spool.last_sequence + 1))
    assert not set(left) & set(named(tombstones))
    assert spool.size_bytes <= MIB

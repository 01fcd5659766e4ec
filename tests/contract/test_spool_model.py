"""The spools against a model, in every order of appending, taking, receipting, reopening and running out of space."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from prometheus_client import CollectorRegistry

from winnow.events import Event, Receipt
from winnow.events.data import SpoolDropped
from winnow.events.mqtt import from_mqtt
from winnow.pipeline.delivery import DeliveryMetrics, Message, Spool, SpooledMessage, SqliteSpool
from winnow.pipeline.delivery.testing import MemoryFile, MemorySpool, crossing, thumbnail, update
from winnow.runtime.testing import ManualClock

MAKERS: dict[str, Callable[[int], Message]] = {
    "crossing": crossing,
    "update": update,
    "small thumbnail": lambda number: thumbnail(number, size_bytes=300),
    "large thumbnail": lambda number: thumbnail(number, size_bytes=6000),
}
QUOTA_BYTES = 60_000
"""Ten large thumbnails: space runs out all the time."""


class SpoolModel(RuleBasedStateMachine):
    """What is known about a spool: accepted = waiting + receipted + named by a tombstone."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="winnow-spool-model-"))
        self.clock = ManualClock()
        self.accepted: dict[int, Message] = {}
        self.receipted: set[int] = set()
        self.given_up: set[int] = set()
        self.made = 0

    def open(self) -> Spool:
        """Open the same spool again."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        """Start with an empty spool."""
        self.spool = self.open()
        self.epoch = self.spool.epoch

    @rule(kinds=st.lists(st.sampled_from(sorted(MAKERS)), max_size=6))
    def append(self, kinds: list[str]) -> None:
        """A batch is accepted whole, with the next sequences in its order."""
        batch = [MAKERS[kind](self.made + offset) for offset, kind in enumerate(kinds)]
        self.made += len(batch)
        after = self.spool.last_sequence
        recorded = self.spool.append(batch)
        records = [message.recorded for message in recorded]
        assert [(one.epoch, one.sequence) for one in records if one] == [
            (self.epoch, after + 1 + offset) for offset in range(len(batch))
        ]
        assert [message.id for message in recorded] == [message.id for message in batch]
        self.accepted |= {after + 1 + offset: message for offset, message in enumerate(recorded)}
        self.note_tombstones()

    @rule(data=st.data(), upto=st.integers(0, 40))
    def acknowledge(self, data: st.DataObject, upto: int) -> None:
        """A receipt deletes what waits and is named, and nothing else."""
        also = data.draw(st.sets(st.integers(1, self.spool.last_sequence + 3), max_size=8))
        before = set(self.waiting())
        named = {sequence for sequence in before if sequence <= upto or sequence in also}
        assert self.spool.acknowledge(Receipt(epoch=self.epoch, upto=upto, also=tuple(also))) == len(named)
        assert set(self.waiting()) == before - named
        self.receipted |= named

    @rule(also=st.sets(st.integers(1, 40), min_size=1, max_size=8))
    def acknowledge_another_life(self, also: set[int]) -> None:
        """A receipt of another epoch deletes nothing."""
        before = set(self.waiting())
        assert self.spool.acknowledge(Receipt(epoch="another", upto=40, also=tuple(also))) == 0
        assert set(self.waiting()) == before

    @rule()
    def reopen(self) -> None:
        """Closing and opening loses nothing and invents nothing."""
        before = (self.waiting(), self.spool.last_sequence, self.spool.depth, self.spool.size_bytes)
        self.spool.close()
        self.spool = self.open()
        assert (self.waiting(), self.spool.last_sequence, self.spool.depth, self.spool.size_bytes) == before
        assert self.spool.epoch == self.epoch

    @precondition(lambda self: self.spool.depth > 0)
    @rule(limit_messages=st.integers(1, 10), limit_bytes=st.integers(0, 20_000), live_after=st.integers(0, 60))
    def take(self, limit_messages: int, limit_bytes: int, live_after: int) -> None:
        """Batch after batch, each excluding the ones before, is the whole order, nothing twice."""
        whole = [one.sequence for one in self.ordered(live_after)]
        batch = self.spool.next_batch(
            limit_messages=limit_messages, limit_bytes=limit_bytes, live_after=live_after, excluding=whole[:1]
        )
        assert [one.sequence for one in batch] == whole[1 : 1 + len(batch)]
        assert len(batch) <= limit_messages
        assert sum(one.size_bytes for one in batch) <= limit_bytes

    @invariant()
    def nothing_is_lost(self) -> None:
        """Every sequence waits, or a receipt or a tombstone names it; what waits reads as it was accepted."""
        waiting = self.waiting()
        assert set(waiting) | self.receipted | self.given_up == set(range(1, self.spool.last_sequence + 1))
        assert not set(waiting) & (self.receipted | self.given_up)
        for sequence, message in waiting.items():
            read = from_mqtt(message.mqtt.topic, message.mqtt.payload, message.mqtt.user_properties)
            assert read == self.accepted.setdefault(sequence, read)

    @invariant()
    def totals_are_true(self) -> None:
        """Depth and size are those of what waits, within the quota, and each message comes once."""
        ordered = self.ordered(None)
        assert len({one.sequence for one in ordered}) == len(ordered) == self.spool.depth
        assert sum(one.size_bytes for one in ordered) == self.spool.size_bytes <= QUOTA_BYTES

    def ordered(self, live_after: int | None) -> list[SpooledMessage]:
        """Return everything that waits, in sending order."""
        return self.spool.next_batch(limit_messages=10_000, limit_bytes=2**40, live_after=live_after)

    def waiting(self) -> dict[int, SpooledMessage]:
        """Return everything that waits by sequence."""
        return {one.sequence: one for one in self.ordered(None)}

    def note_tombstones(self) -> None:
        """Read the tombstones that wait; what they name was accepted and does not wait any more."""
        for one in self.ordered(None):
            read = from_mqtt(one.mqtt.topic, one.mqtt.payload, one.mqtt.user_properties)
            if isinstance(read, Event) and isinstance(read.data, SpoolDropped):
                assert read.data.dropped_epoch == self.epoch
                self.given_up |= {n for first, last in read.data.ranges for n in range(first, last + 1)}

    def teardown(self) -> None:
        """Close the spool and remove its directory."""
        if hasattr(self, "spool"):
            self.spool.close()
        shutil.rmtree(self.directory)


class SqliteModel(SpoolModel):
    """The model over the spool on disk."""

    def open(self) -> Spool:
        """Open the file."""
        return SqliteSpool(
            self.directory / "spool.sqlite",
            node="shop-1",
            clock=self.clock,
            metrics=DeliveryMetrics(CollectorRegistry()),
            max_bytes=QUOTA_BYTES,
            free_floor_bytes=0,
        )


class MemoryModel(SpoolModel):
    """The model over the fake."""

    def __init__(self) -> None:
        super().__init__()
        self.file = MemoryFile(epoch="memory")

    def open(self) -> Spool:
        """Open the same storage."""
        return MemorySpool(self.file, node="shop-1", clock=self.clock, max_bytes=QUOTA_BYTES)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("model", [SqliteModel, MemoryModel])
def test_spool_follows_its_model(model: type[SpoolModel]) -> None:
    """Sequences are gap-free, and only a receipt or a tombstone makes a message go, in any order of events."""
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )

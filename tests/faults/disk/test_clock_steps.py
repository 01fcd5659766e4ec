"""The clock of the box steps by hours, forth and back: numbers, identities and timers do not notice."""

from pathlib import Path
from random import Random

import pytest
from prometheus_client import CollectorRegistry

from tests.faults.disk.told import left_in
from tests.faults.disk.writer import NODE, batch
from tests.faults.scale import SCALE
from winnow.events import Receipt
from winnow.events.mqtt import position_of
from winnow.events.receipts import encode_receipt
from winnow.pipeline.delivery import DeliveryMetrics, Publisher, SqliteSpool
from winnow.pipeline.delivery.link import Arrived, Connected
from winnow.pipeline.delivery.testing import FakeLink
from winnow.runtime.testing import ManualClock

HOUR_S = 3600
STEPS_OF_CLOCK = 40 if SCALE.is_full else 12


class Edge:
    """A spool on disk and its publisher, on a clock that steps; the broker is the test."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        metrics = DeliveryMetrics(CollectorRegistry())
        self.spool = SqliteSpool(
            path, node=NODE, clock=self.clock, metrics=metrics, max_bytes=2**24, free_floor_bytes=0
        )
        self.link = FakeLink(lambda: None)
        self.publisher = Publisher(
            self.spool,
            connect=lambda _: self.link,
            version="1",
            clock=self.clock,
            metrics=metrics,
            random=Random(1),
        )
        self.publisher.run_once()
        self.link.report(Connected(max_packet_bytes=None))
        self.publisher.run_once()

    def sent(self) -> list[int]:
        """Return the sequences that were published, in order."""
        positions = [position_of(message.user_properties) for message, _ in self.link.published]
        return [position[1] for position in positions if position]

    def receipt(self, upto: int) -> None:
        """Let a receipt arrive."""
        self.link.report(Arrived(encode_receipt(Receipt(epoch=self.spool.epoch, upto=upto))))
        self.publisher.run_once()


@pytest.mark.parametrize("direction", ["back", "forward", "both"])
def test_steps_of_the_clock_change_nothing_but_the_time_that_is_told(tmp_path: Path, direction: str) -> None:
    """Numbers have no gap, each message leaves at once and once, and its second sending comes when it is due."""
    edge = Edge(tmp_path / "spool.sqlite")
    chance = SCALE.random(f"clock {direction}")
    signs = {"back": (-1,), "forward": (1,), "both": (-1, 1)}[direction]
    for number in range(STEPS_OF_CLOCK):
        edge.clock.step_wall(chance.choice(signs) * chance.uniform(1, 48) * HOUR_S)
        accepted = edge.spool.append(batch(number))
        records = [one.recorded for one in accepted if one.recorded]
        assert [one.sequence for one in records] == [3 * number + 1, 3 * number + 2, 3 * number + 3]
        assert {one.at for one in records} == {edge.clock.now()}
        assert [one.id for one in accepted] == [one.id for one in batch(number)]
        before = len(edge.sent())
        edge.publisher.run_once()
        assert sorted(edge.sent()[before:]) == [one.sequence for one in records]
        edge.clock.step_wall(chance.choice(signs) * chance.uniform(1, 48) * HOUR_S)
        edge.clock.advance(20)
        edge.publisher.run_once()
        assert len(edge.sent()) == before + 3, "sent again before it was due"
        edge.clock.advance(20)
        edge.publisher.run_once()
        assert len(edge.sent()) == before + 6, "not sent again when it was due"
        edge.receipt(3 * number + 3)
        assert edge.spool.depth == 0
    edge.spool.close()
    assert left_in(tmp_path / "spool.sqlite").last_sequence == 3 * STEPS_OF_CLOCK

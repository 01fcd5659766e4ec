"""The order of the gateway's irreversible steps, and what it does when one of them fails."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from winnow.events import Recorded, new_event
from winnow.events.batch import BatchPacker
from winnow.events.data import CameraOnline
from winnow.events.mqtt import MqttMessage, to_mqtt
from winnow.events.receipts import decode_receipt
from winnow.events.topics import KAFKA_DEADLETTER, KAFKA_EVENTS
from winnow.gateway.batching import BatchLimits
from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.service import IDLE_S, GatewayService
from winnow.gateway.testing import MemoryDestination, MemoryIntake
from winnow.runtime.errors import DestinationError
from winnow.runtime.retry import Backoff
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
DOWN = DestinationError("Kafka is down")


def _message(sequence: int, *, node: str = "gate", epoch: str = "e1") -> MqttMessage:
    event = new_event(
        id=f"{sequence:032x}",
        node=node,
        camera="door",
        subject=None,
        time=NOON,
        data=CameraOnline(frame=(640, 480), clock="wall"),
    )
    return to_mqtt(event.with_record(Recorded(epoch=epoch, sequence=sequence, at=NOON)))


class _Bench:
    """A gateway between two fakes."""

    def __init__(self, *failures: DestinationError | None, max_messages: int = 10, opens_batches: bool = True) -> None:
        self.intake = MemoryIntake()
        self.destination = MemoryDestination(failures)
        self.metrics = GatewayMetrics()
        self.clock = ManualClock()
        self.service = GatewayService(
            self.intake,
            self.destination,
            limits=BatchLimits(max_messages=max_messages, max_bytes=10_000, linger_s=0.01),
            backoff=Backoff(first_s=0.001, limit_s=0.001),
            clock=self.clock,
            metrics=self.metrics,
            opens_batches=opens_batches,
        )

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"winnow_gateway_{name}", labels)

    def receipts(self) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
        told: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        for topic, payload in self.intake.published:
            receipt = decode_receipt(payload)
            told.setdefault(topic, []).append((receipt.epoch, receipt.also))
        return told


def test_receipts_follow_the_store_and_acknowledgements_follow_the_receipts() -> None:
    """One receipt names the whole batch, then the messages are acknowledged in the order of arrival."""
    bench = _Bench()
    for sequence in (1, 2, 3):
        bench.intake.put(_message(sequence))
    asyncio.run(bench.service.run_once())
    assert [record.topic for record in bench.destination.records] == [KAFKA_EVENTS] * 3
    assert bench.receipts() == {"winnow/v1/gate/receipts": [("e1", (1, 2, 3))]}
    assert bench.intake.journal == [
        "publish winnow/v1/gate/receipts",
        "acknowledge 1",
        "acknowledge 2",
        "acknowledge 3",
    ]


@pytest.mark.parametrize(("opens_batches", "records"), [(True, 3), (False, 1)])
def test_batch_is_receipted_message_by_message_whether_it_is_opened_or_kept_whole(
    opens_batches: bool,  # noqa: FBT001 - a parameter
    records: int,
) -> None:
    """One receipt names every message, each counts as received, and the PUBLISH is acknowledged once."""
    bench = _Bench(opens_batches=opens_batches)
    bench.intake.put(BatchPacker().pack("gate", [_message(sequence) for sequence in (4, 5, 6)]).message)
    asyncio.run(bench.service.run_once())
    assert [record.topic for record in bench.destination.records] == [KAFKA_EVENTS] * records
    assert bench.receipts() == {"winnow/v1/gate/receipts": [("e1", (4, 5, 6))]}
    assert bench.intake.acknowledged == [1]
    assert (bench.sample("received_messages_total"), bench.sample("receipts_total")) == (3, 1)


class _TimedIntake(MemoryIntake):
    """Remembers how long each wait for a message could have been."""

    def __init__(self) -> None:
        super().__init__()
        self.waits_s: list[float] = []

    async def wait(self, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        return await super().wait(timeout_s)


def test_only_lone_messages_linger_for_company() -> None:
    """Behind a batch, which an edge with a backlog wants receipted, only what is there already is taken along."""
    bench = _Bench()
    intake = bench.intake = bench.service._intake = _TimedIntake()
    bench.intake.put(_message(1))
    asyncio.run(bench.service.run_once())
    assert intake.waits_s == [IDLE_S, 0.01]
    intake.waits_s.clear()
    bench.intake.put(BatchPacker().pack("gate", [_message(2), _message(3)]).message)
    bench.intake.put(_message(4, node="yard"))
    asyncio.run(bench.service.run_once())
    assert intake.waits_s == [IDLE_S]
    assert len(bench.destination.records) == 4


def test_each_node_and_epoch_has_its_own_receipt() -> None:
    """A batch of two nodes, one of them with two epochs, makes three receipts."""
    bench = _Bench()
    for message in (_message(1), _message(1, node="yard"), _message(2, epoch="e2")):
        bench.intake.put(message)
    asyncio.run(bench.service.run_once())
    assert bench.receipts() == {
        "winnow/v1/gate/receipts": [("e1", (1,)), ("e2", (2,))],
        "winnow/v1/yard/receipts": [("e1", (1,))],
    }


def test_failed_batch_is_stored_again_as_a_whole_before_anything_is_told() -> None:
    """While the destination fails, there is neither a receipt nor an acknowledgement; the third attempt has both."""
    bench = _Bench(DOWN, DOWN)
    bench.intake.put(_message(1))
    bench.intake.put(_message(2))
    asyncio.run(bench.service.run_once())
    assert bench.destination.attempts == 3
    assert len(bench.destination.records) == 2
    assert bench.intake.acknowledged == [1, 2]
    assert bench.sample("destination_retries_total") == 2


def test_nothing_is_acknowledged_when_the_receipt_is_lost() -> None:
    """The broker sends the messages again, and they are receipted then."""
    bench = _Bench()
    bench.intake.put(_message(1))
    bench.intake.connected = False
    asyncio.run(bench.service.run_once())
    assert len(bench.destination.records) == 1
    assert bench.intake.acknowledged == []
    assert bench.sample("receipts_total") == 0


def test_poison_is_a_dead_letter_with_a_receipt() -> None:
    """What cannot be read is kept, counted by reason, receipted and acknowledged, and does not hold up the others."""
    bench = _Bench()
    bench.intake.put(replace(_message(1), payload=b"{"))
    bench.intake.put(_message(2))
    asyncio.run(bench.service.run_once())
    assert [record.topic for record in bench.destination.records] == [KAFKA_DEADLETTER, KAFKA_EVENTS]
    assert bench.receipts() == {"winnow/v1/gate/receipts": [("e1", (1, 2))]}
    assert bench.intake.acknowledged == [1, 2]
    assert bench.sample("refused_messages_total", reason="schema") == 1
    assert bench.sample("identity_mismatches_total") == 0


def test_identity_mismatch_is_counted_as_a_security_event() -> None:
    """A node that speaks for another one is seen in a metric of its own."""
    bench = _Bench()
    bench.intake.put(replace(_message(1), topic="winnow/v1/thief/events/door"))
    asyncio.run(bench.service.run_once())
    assert bench.sample("identity_mismatches_total") == 1
    assert bench.receipts() == {"winnow/v1/thief/receipts": [("e1", (1,))]}


def test_batch_takes_no_more_than_its_limit() -> None:
    """The rest waits for the next batch."""
    bench = _Bench(max_messages=2)
    for sequence in (1, 2, 3):
        bench.intake.put(_message(sequence))
    asyncio.run(bench.service.run_once())
    assert bench.intake.acknowledged == [1, 2]
    asyncio.run(bench.service.run_once())
    assert bench.intake.acknowledged == [1, 2, 3]


def test_health_follows_the_destination_and_the_broker() -> None:
    """Not healthy before the start, while the destination fails or is silent, and while there is no connection."""

    async def look() -> None:
        bench = _Bench()
        assert not bench.service.health()["ok"]
        stopping = threading.Event()
        running = asyncio.create_task(bench.service.run(stopping), name="gateway")
        await asyncio.sleep(0.05)
        assert bench.service.health() == {"ok": True, "mqtt_connected": True, "destination": "ok"}
        bench.intake.connected = False
        assert not bench.service.health()["ok"]
        stopping.set()
        await running
        assert not bench.destination.started

    asyncio.run(look())


def test_asked_to_stop_while_the_destination_is_down_it_stops() -> None:
    """A batch that cannot be stored does not keep the process; it is not acknowledged."""

    async def stop() -> None:
        bench = _Bench(*[DOWN] * 100_000)
        bench.intake.put(_message(1))
        stopping = threading.Event()
        running = asyncio.create_task(bench.service.run(stopping), name="gateway")
        async with asyncio.timeout(10):
            while bench.service.health()["destination"] != "Kafka is down":  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.005)
        stopping.set()
        await asyncio.wait_for(running, timeout=10)
        assert bench.intake.acknowledged == []
        assert bench.intake.published == []

    asyncio.run(stop())

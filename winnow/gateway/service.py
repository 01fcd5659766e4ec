"""The gateway itself: messages in, records out, receipts back.

For each batch, in this order; the process may die between any two steps:

1. the destination confirms every record, dead letters too  (before: nothing happened, the broker sends all again)
2. receipts go out, one per node and epoch                   (before: stored again, which is harmless)
3. PUBACK for each message, in the order of arrival, on the same connection behind the receipts
                                                             (before: stored and receipted again, harmless too)

A receipt that the broker loses after that is no loss: the edge publishes again what it has no receipt for.

While the destination is down, step 1 is repeated for ever: nothing is acknowledged, so the broker sends no more than
its window, and memory stays as it is.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from threading import Event
from typing import Final

from winnow.events.batch import BatchReader
from winnow.events.judging import Verdict, judge_all, judge_whole
from winnow.events.kafka import KafkaRecord
from winnow.events.receipts import encode_receipt, receipts_for
from winnow.events.topics import receipts_topic
from winnow.gateway.batching import BatchLimits, OpenBatch
from winnow.gateway.destination import Destination
from winnow.gateway.intake import ConnectionLostError, Intake, Received
from winnow.gateway.metrics import GatewayMetrics
from winnow.runtime.clock import Clock
from winnow.runtime.errors import DestinationError
from winnow.runtime.retry import Backoff

IDENTITY: Final = "identity"
STOP_ASKED_EVERY_S: Final = 0.1
IDLE_S: Final = 0.5
"""How long an empty batch waits before it looks whether it should stop."""
GRACE_S: Final = 3.0
"""What the batch that is being stored may still take when the process is asked to stop."""
MAX_TOLD: Final = 200
"""Characters of a topic in the log."""
PACKED: Final = "/batch"
"""What the topics of an edge's batches end in. Nothing lingers for company behind one: what is in it had company from
the start, and an edge that works off a backlog waits for its receipt."""
SLOW_S: Final = 30.0
"""A batch that is not confirmed by then means: not healthy."""

_log: Final = logging.getLogger(__name__)


class GatewayService:
    """Moves messages from an intake to a destination until it is asked to stop.

    Args:
        intake: where messages come from.
        destination: what keeps the records.
        limits: when a batch is closed.
        backoff: between two attempts to store.
        clock: ages batches.
        metrics: what is counted.
        opens_batches: whether the messages of a batch become records of their own.
    """

    def __init__(  # noqa: PLR0913 - one argument a collaborator
        self,
        intake: Intake,
        destination: Destination,
        *,
        limits: BatchLimits,
        backoff: Backoff,
        clock: Clock,
        metrics: GatewayMetrics,
        opens_batches: bool = True,
    ) -> None:
        self._intake = intake
        self._destination = destination
        self._limits = limits
        self._backoff = backoff
        self._clock = clock
        self._metrics = metrics
        self._reader = BatchReader()
        self._judge = judge_all if opens_batches else judge_whole
        self._stopping = False
        self._trouble: str | None = "not started yet"
        self._asked_at_mono_s: float | None = None

    def health(self) -> dict[str, object]:
        """Return whether messages can come in and the destination confirms them; safe to call from any thread."""
        asked_at_mono_s = self._asked_at_mono_s
        slow = asked_at_mono_s is not None and self._clock.monotonic_s() - asked_at_mono_s > SLOW_S
        trouble = self._trouble or ("does not answer" if slow else None)
        connected = self._intake.connected
        return {"ok": connected and trouble is None, "mqtt_connected": connected, "destination": trouble or "ok"}

    async def run(self, stopping: Event) -> None:
        """Move messages until `stopping` is set, then return within seconds; what is unfinished comes again."""
        try:
            async with asyncio.TaskGroup() as tasks:
                mqtt = tasks.create_task(self._intake.run(), name="mqtt")
                delivery = tasks.create_task(self._deliver(), name="delivery")
                while not stopping.is_set():  # noqa: ASYNC110 - a signal handler sets it, outside the event loop
                    await asyncio.sleep(STOP_ASKED_EVERY_S)
                self._stopping = True
                await asyncio.wait({delivery}, timeout=GRACE_S)
                delivery.cancel()
                mqtt.cancel()
        finally:
            await self._destination.stop()

    async def _deliver(self) -> None:
        await self._until_confirmed(self._destination.start)
        while not self._stopping:
            await self.run_once()

    async def run_once(self) -> None:
        """Collect one batch and take it through the three steps; return at once if no message comes."""
        batch = await self._collect()
        if not batch:
            return
        verdicts = [verdict for message in batch for verdict in self._judged(message)]
        await self._store([verdict.record for verdict in verdicts])
        self._count(verdicts)
        if self._send_receipts(verdicts):
            self._intake.acknowledge(batch)

    def _judged(self, message: Received) -> list[Verdict]:
        return self._judge(message.topic, message.payload, message.user_properties, self._reader)

    async def _collect(self) -> list[Received]:
        batch: OpenBatch[Received] = OpenBatch(self._limits)
        wait_s, has_company = IDLE_S, False
        while wait_s > 0 and await self._intake.wait(wait_s):
            now_mono_s = self._clock.monotonic_s()
            while not batch.is_full and (message := self._intake.take()) is not None:
                batch.add(message, len(message.payload), now_mono_s)
                has_company = has_company or message.topic.endswith(PACKED)
            wait_s = 0.0 if has_company else batch.open_for_s(now_mono_s)
        return batch.items

    async def _store(self, records: Sequence[KafkaRecord]) -> None:
        began_mono_s = self._clock.monotonic_s()
        await self._until_confirmed(lambda: self._destination.store(records))
        self._metrics.store_seconds.observe(self._clock.monotonic_s() - began_mono_s)

    async def _until_confirmed(self, attempt: Callable[[], Coroutine[object, object, None]]) -> None:
        """Repeat an attempt until the destination confirms it; only being cancelled ends this early."""
        while True:
            self._asked_at_mono_s = self._clock.monotonic_s()
            try:
                await attempt()
            except DestinationError as exc:
                delay_s = self._backoff.next_delay_s()
                self._trouble = str(exc)
                self._metrics.retries.inc()
                _log.warning("destination failed", extra={"reason": str(exc), "retry_in_s": round(delay_s, 1)})
                await asyncio.sleep(delay_s)
            else:
                self._backoff.reset()
                self._trouble = self._asked_at_mono_s = None
                return

    def _send_receipts(self, verdicts: Sequence[Verdict]) -> bool:
        """Return whether a receipt went out for everything that asks for one."""
        positions: dict[tuple[str, str], list[int]] = defaultdict(list)
        for verdict in verdicts:
            if verdict.node is None:
                continue
            if verdict.position is not None:
                epoch, sequence = verdict.position
                positions[verdict.node, epoch].append(sequence)
            elif verdict.batch is not None:
                epoch, sequences = verdict.batch
                positions[verdict.node, epoch].extend(sequences)
        try:
            for (node, epoch), stored in positions.items():
                receipts = receipts_for(epoch, stored)
                for receipt in receipts:
                    self._intake.publish(receipts_topic(node), encode_receipt(receipt))
                self._metrics.receipts.inc(len(receipts))
        except ConnectionLostError as exc:
            _log.info("receipts wait for the next connection", extra={"reason": str(exc)})
            return False
        return True

    def _count(self, verdicts: Sequence[Verdict]) -> None:
        messages = sum(1 if verdict.batch is None else len(verdict.batch[1]) for verdict in verdicts)
        self._metrics.received.inc(messages)
        self._metrics.batch_messages.observe(messages)
        for topic, number in Counter(verdict.record.topic for verdict in verdicts).items():
            self._metrics.stored.labels(topic).inc(number)
        refused = [verdict for verdict in verdicts if verdict.refused is not None]
        if not refused:
            return
        reasons = Counter(str(verdict.refused) for verdict in refused)
        for reason, number in reasons.items():
            self._metrics.refused.labels(reason).inc(number)
        self._metrics.security.inc(reasons[IDENTITY])
        # One line a batch: whoever floods a gateway with poison shall not flood its log too.
        first = refused[0]
        facts = {"topic": first.record.key.decode(errors="replace")[:MAX_TOLD], "reason": first.detail}
        _log.warning("message refused", extra=facts | {"refused": len(refused)})

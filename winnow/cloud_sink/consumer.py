"""From Kafka into the store, effectively once.

The offsets live in the database: rows and the next offset are one transaction, and a partition is read from the
database's offset whenever it is assigned. Kafka's own group offsets are never used; the group only shares out
partitions.
"""

import asyncio
import logging
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event as Flag
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from winnow.cloud_sink.catching_up import CatchingUp, Reading
from winnow.cloud_sink.gap_alarm import PlaceAlarm
from winnow.cloud_sink.metrics import SinkMetrics
from winnow.cloud_sink.settings import SinkSettings
from winnow.cloud_sink.store import Store, StoreError, StoreUnusableError
from winnow.cloud_sink.worker import WorkerThread
from winnow.events.batch import BatchReader
from winnow.events.judging import records_in
from winnow.events.kafka import KafkaRecord
from winnow.events.topics import KAFKA_TOPICS
from winnow.runtime.kafka import client_arguments
from winnow.runtime.retry import Backoff
from winnow.runtime.tls import Seen

POLL_MS: Final = 500
START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 3.0
LAST_RETRY_S: Final = 2.0
"""Longest delay between two tries. With 30 % jitter, whatever was down is found again 2.6 s after it came back."""
SESSION_MS: Final = 6_000
HEARTBEAT_MS: Final = 2_000
"""A sink that was killed keeps its partitions until its session ends, unless it comes back as the same member; 6 s is
the shortest that Kafka allows by default (group.min.session.timeout.ms). Heartbeats do not wait for the
database, so a slow one does not end the session."""
METADATA_AGE_MS: Final = 10_000
"""How soon a topic is noticed that the gateway creates after this sink has started."""

_log: Final = logging.getLogger(__name__)


def record_of(message: Any) -> KafkaRecord:
    """Return one of aiokafka's records as ours."""
    headers = tuple((name, value or b"") for name, value in message.headers)
    return KafkaRecord(topic=message.topic, key=message.key or b"", value=message.value or b"", headers=headers)


class SinkConsumer:
    """Reads every topic and writes what it reads.

    Args:
        settings: how to reach Kafka, the group that shares out the partitions, the size of a transaction.
        store: keeps rows and offsets.
        metrics: counts.
        seen: told of the certificates that Kafka's servers show.

    Attributes:
        kafka_ok: whether Kafka was reachable when it was last tried.
        store_ok: whether the database took the last write.
        caught_up_at: up to when everything that Kafka held, in the partitions of this sink, is in the store; None
            until all of them were read once.

    Raises:
        SettingsError: a password file or a certificate cannot be read.
    """

    def __init__(self, settings: SinkSettings, *, store: Store, metrics: SinkMetrics, seen: Seen | None = None) -> None:
        self._client_arguments = client_arguments(settings.kafka, seen)
        self._group = settings.group
        self._member = settings.member
        self._batch_records = settings.batch_records
        self._store = store
        self._metrics = metrics
        self._progress = CatchingUp()
        self._reader = BatchReader()
        self._place_alarm = PlaceAlarm()
        self._worker = WorkerThread("store")
        self.kafka_ok = False
        self.store_ok = True
        self.caught_up_at: datetime | None = None

    async def run(self, stopping: Flag) -> None:
        """Records flow from Kafka into the store until `stopping` is set; failures of either are waited out."""
        backoff = Backoff(first_s=0.5, limit_s=LAST_RETRY_S)
        while not stopping.is_set():
            consumer = self._new_consumer()
            try:
                await asyncio.wait_for(consumer.start(), START_TIMEOUT_S)
                consumer.subscribe(KAFKA_TOPICS, listener=_SeekToStore(self, consumer, stopping))
                _log.info("Connected to Kafka", extra={"group": self._group})
                self.kafka_ok = True
                backoff.reset()
                while not stopping.is_set():
                    await self.run_once(consumer, stopping)
            except (KafkaError, TimeoutError, OSError) as exc:
                self.kafka_ok = False
                self._metrics.kafka_failures.inc()
                _log.warning("Kafka does not answer; trying again", extra={"reason": str(exc) or type(exc).__name__})
                await pause(backoff.next_delay_s(), stopping)
            finally:
                with suppress(KafkaError, TimeoutError, OSError):
                    await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT_S)
        self._worker.stop()

    async def run_once(self, consumer: AIOKafkaConsumer, stopping: Flag) -> None:
        """What Kafka has now, up to one batch, is in the store with its offsets; or `stopping` is set."""
        batches = await consumer.getmany(timeout_ms=POLL_MS, max_records=self._batch_records)
        records = [record_of(message) for messages in batches.values() for message in messages]
        if records and not await self._write_in_parts(records, _next_offsets(batches), stopping):
            return
        await self._note_progress(consumer)

    async def _write_in_parts(
        self, records: Sequence[KafkaRecord], offsets: dict[tuple[str, int], int], stopping: Flag
    ) -> bool:
        """Return True once all is durable, False if `stopping` was set before.

        A record may stand for hundreds of events, so it may take several transactions. The offsets go with the last:
        what an earlier one has stored is recognised when it comes again.
        """
        part: list[KafkaRecord] = []
        for number, record in enumerate(records, 1):
            part += records_in(record, self._reader)
            if len(part) >= self._batch_records and number < len(records):
                if not await self._write(part, {}, stopping):
                    return False
                part = []
        return await self._write(part, offsets, stopping)

    async def _note_progress(self, consumer: AIOKafkaConsumer) -> None:
        readings = await _readings(consumer)
        if readings:
            self._metrics.lag.set(sum(max(0, one.end - one.position) for one in readings.values()))
        at = self._progress.note(readings)
        if at is not None:
            self.caught_up_at = at if self.caught_up_at is None else max(at, self.caught_up_at)

    async def _write(self, records: list[KafkaRecord], offsets: dict[tuple[str, int], int], stopping: Flag) -> bool:
        """Return True once the batch is durable, False if `stopping` was set before."""
        backoff = Backoff(first_s=0.2, limit_s=LAST_RETRY_S)
        while not stopping.is_set():
            try:
                result = await self._worker.run(partial(self._store.write, records, offsets))
            except (StoreError, TimeoutError) as exc:
                self._metrics.store_failures.inc()
                self._note_store_failure(exc)
                await pause(backoff.next_delay_s(), stopping)
            else:
                self._note_store_answer()
                self._metrics.note_write(result)
                self._place_alarm.report(result.reused)
                return True
        return False

    async def stored_offsets(self, stopping: Flag) -> dict[tuple[str, int], int]:
        """Return the database's offsets, however long it is down; empty if `stopping` is set before."""
        backoff = Backoff(first_s=0.2, limit_s=LAST_RETRY_S)
        while not stopping.is_set():
            try:
                offsets = await self._worker.run(self._store.offsets)
            except (StoreError, TimeoutError) as exc:
                self._note_store_failure(exc)
                await pause(backoff.next_delay_s(), stopping)
            else:
                self._note_store_answer()
                return offsets
        return {}

    def _note_store_failure(self, exc: Exception) -> None:
        level = logging.ERROR if isinstance(exc, StoreUnusableError) else logging.WARNING
        _log.log(level, "The database took nothing; trying again", extra={"reason": str(exc) or "no answer in time"})
        self.store_ok = False

    def _note_store_answer(self) -> None:
        if not self.store_ok:
            _log.info("The database answers again")
        self.store_ok = True

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **self._client_arguments,
            group_id=self._group,
            group_instance_id=self._member,
            client_id="winnow-sink",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            metadata_max_age_ms=METADATA_AGE_MS,
        )


class _SeekToStore(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Every assigned partition is read from where the database stands; one that it does not know, from the start."""

    def __init__(self, sink: SinkConsumer, consumer: AIOKafkaConsumer, stopping: Flag) -> None:
        self._sink = sink
        self._consumer = consumer
        self._stopping = stopping

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing is left to do: what was written is durable, what was not comes again."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        offsets = await self._sink.stored_offsets(self._stopping)
        for partition in assigned:
            offset = offsets.get((partition.topic, partition.partition))
            if offset is not None:
                self._consumer.seek(partition, offset)


async def pause(seconds: float, stopping: Flag) -> None:
    """Return after `seconds`, or soon after `stopping` is set."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while not stopping.is_set() and (left := until - loop.time()) > 0:  # noqa: ASYNC110 - a signal sets it
        await asyncio.sleep(min(left, 0.2))


def _next_offsets(batches: Mapping[TopicPartition, list[ConsumerRecord]]) -> dict[tuple[str, int], int]:
    return {
        (partition.topic, partition.partition): messages[-1].offset + 1
        for partition, messages in batches.items()
        if messages
    }


async def _readings(consumer: AIOKafkaConsumer) -> dict[Hashable, Reading]:
    """Return how far each assigned partition is read; empty before every one of them has answered."""
    told = {one: (consumer.highwater(one), consumer.last_poll_timestamp(one)) for one in consumer.assignment()}
    if any(None in one for one in told.values()):
        return {}
    return {
        partition: Reading(
            position=int(await consumer.position(partition)),
            end=int(end),
            told_at=datetime.fromtimestamp(told_at_ms / 1000, UTC),
        )
        for partition, (end, told_at_ms) in told.items()
    }

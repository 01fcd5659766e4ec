"""Events from Kafka, read without a group: nobody else's position changes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaError

from winnow.cloud_sink.consumer import record_of
from winnow.cloud_sink.tail.selection import Selection
from winnow.cloud_sink.tail.source import ANSWER_TIMEOUT_S, SourceError, newest
from winnow.events import ContractError, Event
from winnow.events.batch import BatchReader
from winnow.events.judging import records_in
from winnow.events.kafka import KafkaRecord, from_kafka
from winnow.events.topics import KAFKA_EVENTS

POLL_MS: Final = 500
LOOK_BACK: Final = 2_000
"""How many records of each partition are looked through for the newest lines when no time is given."""
STOP_TIMEOUT_S: Final = 2.0
METADATA_AGE_MS: Final = 5_000
BACKLOG_IDLE_S: Final = 10.0
"""A backlog that stops coming for this long is given up; compaction or retention may have removed its end."""


class KafkaSource:
    """Follows every partition of `winnow.events`.

    Args:
        client_arguments: how to reach Kafka, see `winnow.runtime.kafka.client_arguments`.
    """

    def __init__(self, client_arguments: Mapping[str, Any]) -> None:
        self._address = client_arguments["bootstrap_servers"]
        self._client_arguments = client_arguments
        self._consumer: AIOKafkaConsumer | None = None
        self._ends: dict[TopicPartition, int] = {}
        self._reader = BatchReader()
        self.name = f"Kafka at {self._address}"

    async def open(self) -> None:
        """See `EventSource.open`; a topic that does not exist yet is followed from its first record on."""
        consumer = AIOKafkaConsumer(
            KAFKA_EVENTS,
            **self._client_arguments,
            client_id="winnow-tail",
            auto_offset_reset="earliest",
            metadata_max_age_ms=METADATA_AGE_MS,
        )
        try:
            await asyncio.wait_for(consumer.start(), ANSWER_TIMEOUT_S)
            self._ends = await asyncio.wait_for(_seek_to_ends(consumer), ANSWER_TIMEOUT_S)
        except (KafkaError, OSError, TimeoutError) as exc:
            await _stop(consumer)
            raise SourceError(f"{self.name} does not answer: {_reason(exc)}") from exc
        self._consumer = consumer

    async def backlog(self, selection: Selection, lines: int | None) -> list[Event]:
        """See `EventSource.backlog`; without a time it looks through the last records of each partition only."""
        consumer = self._opened()
        try:
            starts = await self._starts(consumer, selection)
            for partition, start in starts.items():
                consumer.seek(partition, start)
            unread = {partition for partition, start in starts.items() if start < self._ends[partition]}
            found = await self._read(consumer, unread, selection)
        except (KafkaError, OSError) as exc:
            raise SourceError(f"{self.name} was lost: {_reason(exc)}") from exc
        return newest(found, lines)

    async def live(self) -> AsyncIterator[list[Event]]:
        """See `EventSource.live`."""
        consumer = self._opened()
        for partition, end in self._ends.items():
            consumer.seek(partition, end)
        while True:
            try:
                batches = await consumer.getmany(timeout_ms=POLL_MS)
            except (KafkaError, OSError) as exc:
                raise SourceError(f"{self.name} was lost: {_reason(exc)}") from exc
            messages = sorted((m for batch in batches.values() for m in batch), key=lambda m: m.timestamp)
            yield [event for message in messages for event in self._events_of(message)]

    async def close(self) -> None:
        """See `EventSource.close`."""
        if self._consumer is not None:
            await _stop(self._consumer)

    def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise SourceError(f"{self.name}: not open")
        return self._consumer

    def _events_of(self, message: Any) -> list[Event]:
        """Return the event of a record, or those of a batch that was kept as it came."""
        records = records_in(record_of(message), self._reader)
        return [event for record in records if (event := _event_of(record)) is not None]

    async def _starts(self, consumer: AIOKafkaConsumer, selection: Selection) -> dict[TopicPartition, int]:
        partitions = list(self._ends)
        if not partitions:
            return {}
        first = await consumer.beginning_offsets(partitions)
        if selection.since is None:
            return {partition: max(first[partition], self._ends[partition] - LOOK_BACK) for partition in partitions}
        since_ms = int(selection.since.timestamp() * 1000)
        at_time = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
        return {
            partition: max(first[partition], found.offset) if found else self._ends[partition]
            for partition, found in at_time.items()
        }

    async def _read(self, consumer: AIOKafkaConsumer, unread: set[TopicPartition], selection: Selection) -> list[Event]:
        """Return the wanted events up to where the partitions ended when the source was opened."""
        loop = asyncio.get_running_loop()
        found: list[Event] = []
        heard_at = loop.time()
        while unread and loop.time() - heard_at < BACKLOG_IDLE_S:
            batches = await consumer.getmany(*unread, timeout_ms=POLL_MS)
            for partition, messages in batches.items():
                heard_at = loop.time()
                read = (message for message in messages if message.offset < self._ends[partition])
                found.extend(event for message in read for event in self._events_of(message) if selection.shows(event))
            unread = {partition for partition in unread if await consumer.position(partition) < self._ends[partition]}
        return found


async def _seek_to_ends(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    partitions = list(consumer.assignment())
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions) if partitions else {}
    for partition, end in ends.items():
        consumer.seek(partition, end)
    return ends


async def _stop(consumer: AIOKafkaConsumer) -> None:
    with suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(consumer.stop(), STOP_TIMEOUT_S)


def _event_of(record: KafkaRecord) -> Event | None:
    """Return the event of a record; None for one that breaks the contract, which the sink takes care of."""
    try:
        event = from_kafka(record.value, record.headers)
    except ContractError:
        return None
    return event if isinstance(event, Event) else None


def _reason(exc: Exception) -> str:
    if isinstance(exc, KafkaConnectionError):
        return "no connection"
    return " ".join(str(exc).split()) or f"no answer in {ANSWER_TIMEOUT_S:.0f} s"

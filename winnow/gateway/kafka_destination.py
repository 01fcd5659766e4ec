"""Kafka as destination: an idempotent producer that waits for all replicas, replaced as soon as it is in doubt."""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder

from winnow.events.kafka import KafkaRecord
from winnow.events.topics import KAFKA_STATUS
from winnow.gateway.kafka_topics import create_missing_topics
from winnow.gateway.settings import KafkaOutSettings
from winnow.runtime.errors import DestinationError
from winnow.runtime.kafka import client_arguments
from winnow.runtime.tls import Seen

CLOSE_WITHIN_S: Final = 3.0

_log: Final = logging.getLogger(__name__)


class KafkaDestination:
    """Writes batches with `acks=all`.

    A batch that expires while its partition has no leader leaves a gap in aiokafka's idempotent sequence that no
    retry mends. So a producer that has failed once, or has not confirmed a batch in time, is thrown away, and the
    caller's next attempt begins with a new one.

    Args:
        settings: where Kafka is and how to write.
        max_batch_bytes: the size of a batch for one partition.
        seen: told of the certificates that Kafka's servers show.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """

    def __init__(self, settings: KafkaOutSettings, *, max_batch_bytes: int, seen: Seen | None = None) -> None:
        self._settings = settings
        self._max_batch_bytes = max_batch_bytes
        self._client_arguments = client_arguments(settings, seen)
        self._producer: AIOKafkaProducer | None = None
        self._topics_checked = False

    async def start(self) -> None:
        """Return once the topics are there and the producer has its id.

        Raises:
            DestinationError: Kafka cannot be reached, or refuses.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._working_producer()
        except (KafkaError, OSError, TimeoutError) as exc:
            raise DestinationError(self._told(exc)) from exc

    async def store(self, records: Sequence[KafkaRecord]) -> None:
        """Return once all in-sync replicas have every record.

        Raises:
            DestinationError: Kafka refused a record or did not confirm all of them in time.
        """
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                producer = await self._working_producer()
                await asyncio.gather(*await _send(producer, records))
        except (KafkaError, OSError, TimeoutError) as exc:
            await self._abandon_producer()
            raise DestinationError(self._told(exc)) from exc

    async def stop(self) -> None:
        """Close the connections within a few seconds."""
        await self._abandon_producer()

    async def _working_producer(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        if self._settings.topics.create and not self._topics_checked:
            await create_missing_topics(self._client_arguments, self._settings.topics)
            self._topics_checked = True
        producer = AIOKafkaProducer(
            **self._client_arguments,
            client_id="winnow-gateway",
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._max_batch_bytes,
            compression_type=None if self._settings.compression == "none" else self._settings.compression,
            request_timeout_ms=int(self._settings.timeout_s * 1000),
        )
        try:
            await producer.start()
        except BaseException:
            await _close(producer)
            raise
        self._producer = producer
        _log.info("connected to Kafka", extra={"kafka": self._settings.bootstrap_servers})
        return producer

    async def _abandon_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            _log.info("gave a Kafka producer up", extra={"kafka": self._settings.bootstrap_servers})
            await _close(producer)

    def _told(self, exc: BaseException) -> str:
        said = str(exc) or type(exc).__name__
        return f"Kafka at {self._settings.bootstrap_servers} did not confirm: {said}"


async def _send(producer: AIOKafkaProducer, records: Sequence[KafkaRecord]) -> list[asyncio.Future[Any]]:
    """Hand the records over, all of a partition together; return what tells that each batch is durable."""
    by_partition: dict[tuple[str, int], list[KafkaRecord]] = {}
    partitions = {topic: sorted(await producer.partitions_for(topic)) for topic in {one.topic for one in records}}
    for record in records:
        those_of_topic = partitions[record.topic]
        partition = those_of_topic[_hash_of(record.key) % len(those_of_topic)]
        by_partition.setdefault((record.topic, partition), []).append(record)
    confirmations = []
    for (topic, partition), those in by_partition.items():
        for batch in _batches(producer, those):
            confirmation = await producer.send_batch(batch, topic, partition=partition)
            confirmation.add_done_callback(_look_at)
            confirmations.append(confirmation)
    return confirmations


def _batches(producer: AIOKafkaProducer, records: Sequence[KafkaRecord]) -> Iterator[BatchBuilder]:
    """Yield the records in order in as few batches as the size of a batch allows.

    A record alone always fits, however large it is; one call a record costs ten times as much: a future, a lookup of
    the partition and a search for an open batch each.
    """
    batch = producer.create_batch()
    now_ms = int(time.time() * 1000)
    for record in records:
        # In a compacted topic, no value at all is what removes a key.
        value = None if record.topic == KAFKA_STATUS and not record.value else record.value
        headers = list(record.headers)
        if batch.append(timestamp=now_ms, key=record.key, value=value, headers=headers) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            batch.append(timestamp=now_ms, key=record.key, value=value, headers=headers)
    batch.close()
    yield batch


@lru_cache(maxsize=65_536)
def _hash_of(key: bytes) -> int:
    """Return what every Kafka client's default partitioner takes modulo the number of partitions."""
    return int(murmur2(key)) & 0x7FFFFFFF


def _look_at(confirmation: asyncio.Future[Any]) -> None:
    """Mark an error as seen: the first one of a batch is reported, the others say the same."""
    if not confirmation.cancelled():
        confirmation.exception()


async def _close(producer: AIOKafkaProducer) -> None:
    """Close a producer that may be stuck, whatever it still has to send.

    Its `stop` waits for what has not been confirmed, and so for ever while Kafka is away. There is no public way to
    give that up: the task that sends is cancelled, and the connections that it may wait for are closed.
    """
    producer._closed = True  # noqa: SLF001
    sender = producer._sender.sender_task  # noqa: SLF001
    if sender is not None:
        sender.cancel()
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            await producer.client.close()
            if sender is not None:
                await asyncio.wait({sender})
    except (KafkaError, OSError, TimeoutError) as exc:
        _log.info("a Kafka producer was left behind", extra={"reason": repr(exc)})

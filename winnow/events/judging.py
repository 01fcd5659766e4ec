"""What becomes of a message: the record that keeps it, and the position that its receipt names. Pure.

A batch becomes a record for each of its messages, or, if so wished, one record that keeps it as it came. Whoever reads
that record opens it with `records_in` and has the same records: the same checks, the same dead letters.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from winnow.events.batch import BatchReader, OpenedBatch, left_over, message_of_item
from winnow.events.errors import ContractError
from winnow.events.kafka import (
    KafkaRecord,
    batch_record,
    deadletter_record,
    event_record,
    is_batch,
    item_record,
    status_record,
    to_kafka,
)
from winnow.events.limits import MAX_BATCH_BYTES
from winnow.events.mqtt import from_mqtt, position_of
from winnow.events.names import check_name
from winnow.events.status import decode_status
from winnow.events.topics import PREFIX, parse_upward_topic

MAX_DEADLETTER_BYTES: Final = MAX_BATCH_BYTES
"""Longer payloads are cut: no honest edge sends them, and Kafka takes 1 MiB at most."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What is stored for one message, and who hears of it.

    Attributes:
        record: the message as a record, or as a dead letter if it was refused.
        node: the node that the topic names, None if it names none.
        position: epoch and sequence for the receipt; None for a state, or if a refused message does not tell.
        batch: instead, epoch and sequences of a batch that is kept as it came.
        refused: the word for counters, None if the message was accepted.
        detail: why it was refused, in a sentence.
    """

    record: KafkaRecord
    node: str | None
    position: tuple[str, int] | None
    batch: tuple[str, tuple[int, ...]] | None = None
    refused: str | None = None
    detail: str = ""


def judge_all(
    topic: str, payload: bytes, user_properties: Iterable[tuple[str, str]], reader: BatchReader
) -> list[Verdict]:
    """Return the verdict on each message of a batch, or on the one message that came on another topic.

    A batch that cannot be taken apart is a dead letter without a receipt: its messages come again, each alone.
    """
    if not topic.endswith("/batch"):
        return [judge(topic, payload, user_properties)]
    try:
        return list(_judge_items(reader.open(topic, payload)))
    except ContractError as exc:
        return [_refuse(topic, payload, (), exc)]


def judge_whole(
    topic: str, payload: bytes, user_properties: Iterable[tuple[str, str]], reader: BatchReader
) -> list[Verdict]:
    """Return the same as `judge_all`, but keep a batch as it came if it can be taken apart and tells all its places."""
    if topic.endswith("/batch"):
        with suppress(ContractError):
            opened = reader.open(topic, payload)
            places = reader.places(opened)
            if places is not None:
                record = batch_record(opened.node, payload)
                return [Verdict(record=record, node=opened.node, position=None, batch=places)]
    return judge_all(topic, payload, user_properties, reader)


def records_in(record: KafkaRecord, reader: BatchReader) -> list[KafkaRecord]:
    """Return the records that a batch which was kept as it came stands for, or the record itself if it is none."""
    if not is_batch(record):
        return [record]
    topic = f"{PREFIX}/{record.key.decode(errors='replace')}/batch"
    return [verdict.record for verdict in judge_all(topic, record.value, (), reader)]


def _judge_items(batch: OpenedBatch) -> Iterator[Verdict]:
    """Yield the verdict on each message of a batch.

    Raises:
        ContractError: the batch cannot be taken apart.
    """
    if not batch.items:
        raise ContractError("schema", "batch of no message")
    images = batch.images
    for item in map(bytes, batch.items):
        try:
            record, position = item_record(batch.node, item)
        except ContractError:  # a thumbnail, or an event that is judged, and refused, as if it had come alone
            message, used = message_of_item(batch.node, item, images)
            images = images[used:]
            yield judge(message.topic, message.payload, message.user_properties)
        else:
            yield Verdict(record=record, node=batch.node, position=position)
    if images:
        raise left_over(images)


def judge(topic: str, payload: bytes, user_properties: Iterable[tuple[str, str]]) -> Verdict:
    """Return the verdict on one message; whatever it holds, nothing is raised and nothing is lost.

    A refused message gets its receipt too, if its user properties tell epoch and sequence: the dead-letter topic
    keeps it now, and the edge need not send it for ever.
    """
    try:
        node, stream, camera = parse_upward_topic(topic)
        if stream == "status":
            return _judge_status(node, camera, payload)
        if stream == "events":
            record, position = event_record(node, camera, payload)
            return Verdict(record=record, node=node, position=position)
        message = from_mqtt(topic, payload, user_properties)
        recorded = message.recorded
        return Verdict(
            record=to_kafka(message), node=node, position=(recorded.epoch, recorded.sequence) if recorded else None
        )
    except ContractError as exc:
        return _refuse(topic, payload, user_properties, exc)


def _judge_status(node: str, camera: str | None, payload: bytes) -> Verdict:
    if payload:  # an empty one clears the state: the node or camera is gone for good
        decode_status(payload, camera)
    return Verdict(record=status_record(node, camera, payload), node=node, position=None)


def _refuse(topic: str, payload: bytes, user_properties: Iterable[tuple[str, str]], error: ContractError) -> Verdict:
    detail = f"{error.reason}: {error}"
    if len(payload) > MAX_DEADLETTER_BYTES:
        detail += f"; cut from {len(payload)} bytes"
    position = position_of(user_properties)
    return Verdict(
        record=_located(deadletter_record(topic, payload[:MAX_DEADLETTER_BYTES], detail), position),
        node=_node_of(topic),
        position=position,
        refused=error.reason,
        detail=detail,
    )


def _located(record: KafkaRecord, position: tuple[str, int] | None) -> KafkaRecord:
    """Return the dead letter with its position, so that the audit of the sequences does not take it for a gap."""
    if position is None:
        return record
    epoch, sequence = position
    return replace(record, headers=(*record.headers, ("epoch", epoch.encode()), ("sequence", str(sequence).encode())))


def _node_of(topic: str) -> str | None:
    """Return the node even if the rest of the topic makes no sense, so that it hears of its poison."""
    name, separator, _ = topic.removeprefix(f"{PREFIX}/").partition("/")
    try:
        return check_name(name) if separator and topic.startswith(f"{PREFIX}/") else None
    except ContractError:
        return None

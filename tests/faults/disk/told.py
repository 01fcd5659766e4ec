"""What a writer told before it was stopped, and whether a spool that was found afterwards keeps to it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.disk.writer import open_spool
from winnow.events import ContractError, Event, Thumbnail
from winnow.events.data import SpoolDropped
from winnow.events.mqtt import from_mqtt
from winnow.events.thumbnail import sha256_of
from winnow.pipeline.delivery import SpooledMessage
from winnow.pipeline.delivery.testing import crossing, thumbnail, update


@dataclass(slots=True, kw_only=True)
class Told:
    """What a writer said.

    Attributes:
        epochs: in which it spoke.
        accepted: sequences.
        receipts: the highest sequence whose receipt was handed to the spool, whether or not the spool had agreed.
        receipted: the highest sequence whose deletion was durable.
        refused: the errors that it was told.
    """

    epochs: list[str] = field(default_factory=list)
    accepted: set[int] = field(default_factory=set)
    receipts: int = 0
    receipted: int = 0
    refused: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what whole lines say; half a line at the end was never said."""
        told = cls()
        for line in text[: text.rfind("\n") + 1].splitlines():
            match line.split():
                case ["opened", epoch, _]:
                    told.epochs.append(epoch)
                case ["accepted", _, first, last]:
                    told.accepted |= set(range(int(first), int(last) + 1))
                case ["receipt", _, upto]:
                    told.receipts = int(upto)
                case ["receipted", _, upto]:
                    told.receipted = int(upto)
                case ["refused", error]:
                    told.refused.append(error)
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What a spool holds.

    Attributes:
        waiting: sequences that can be read, each with its content intact.
        named: sequences that tombstones name.
        altered: sequences that can be read and are not what was accepted.
        doubled: identities that come twice.
    """

    epoch: str
    last_sequence: int
    waiting: frozenset[int]
    named: frozenset[int]
    altered: frozenset[int]
    doubled: int


def left_in(path: Path) -> Left:
    """Open a spool as the next start does, read everything twice as a publisher would, and close it."""
    spool = open_spool(path)
    try:
        spool.next_batch(limit_messages=10**6, limit_bytes=2**40)  # damaged rows become tombstones here
        found = spool.next_batch(limit_messages=10**6, limit_bytes=2**40)
        return _left(spool.epoch, spool.last_sequence, found)
    finally:
        spool.close()


def lost(told: Told, left: Left) -> list[int]:
    """Return what was accepted, not receipted, and neither waits nor is named: the breach of I1."""
    if told.epochs and left.epoch != told.epochs[-1]:
        return sorted(one for one in told.accepted if one > told.receipts)
    return sorted(one for one in told.accepted - left.waiting - left.named if one > told.receipts)


def broken(told: Told, left: Left) -> list[str]:
    """Return in words which of I1, I2, I3, I4 and I8 do not hold."""
    faults = []
    if missing := lost(told, left):
        faults.append(f"I1: accepted and gone: {missing}")
    if left.altered:
        faults.append(f"I2, I3: not what was accepted: {sorted(left.altered)}")
    if left.doubled:
        faults.append(f"I4: {left.doubled} twice")
    here = left.waiting | left.named | left.altered
    start = max(told.receipted, min(here, default=1) - 1 if told.receipts else 0)
    gaps = set(range(start + 1, left.last_sequence + 1)) - here
    if gaps:
        faults.append(f"I8: numbers that nothing has: {sorted(gaps)}")
    if back := {one for one in left.waiting if one <= told.receipted}:
        faults.append(f"receipted, and back: {sorted(back)}")
    if told.accepted and left.last_sequence < max(told.accepted) and left.epoch in told.epochs:
        faults.append(f"I8: the count went back to {left.last_sequence}")
    return faults


def _left(epoch: str, last_sequence: int, found: Iterable[SpooledMessage]) -> Left:
    named: set[int] = set()
    altered, waiting = set(), set()
    identities: list[tuple[str, str]] = []
    for one in found:
        try:
            message = from_mqtt(one.mqtt.topic, one.mqtt.payload, one.mqtt.user_properties)
        except ContractError:
            altered.add(one.sequence)
            continue
        identities.append((message.source, message.id))
        if isinstance(message, Event) and isinstance(message.data, SpoolDropped):
            if message.data.dropped_epoch == epoch:
                named |= {n for first, last in message.data.ranges for n in range(first, last + 1)}
            waiting.add(one.sequence)
        elif message.recorded and message.recorded.sequence == one.sequence and _is_ours(message):
            waiting.add(one.sequence)
        else:
            altered.add(one.sequence)
    return Left(
        epoch=epoch,
        last_sequence=last_sequence,
        waiting=frozenset(waiting),
        named=frozenset(named),
        altered=frozenset(altered),
        doubled=len(identities) - len(set(identities)),
    )


def _is_ours(message: Event | Thumbnail) -> bool:
    """Return whether the content is exactly what a writer makes."""
    number = int((message.subject or "/0").rpartition("/")[2]) - 1
    if isinstance(message, Thumbnail):
        same = thumbnail(number, size_bytes=len(message.jpeg))
        return sha256_of(message.jpeg) == same.sha256 and len(message.jpeg) == 3000 + 500 * (number % 20)
    return message.data_json == {"line.crossed": crossing, "object.updated": update}[message.kind](number).data_json

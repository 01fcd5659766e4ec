"""The seam to whatever keeps the records: Kafka, or on one machine the store."""

from collections.abc import Sequence
from typing import Protocol

from winnow.events.kafka import KafkaRecord


class Destination(Protocol):
    """Keeps records; what it has confirmed survives a crash of every process here."""

    async def start(self) -> None:
        """Be ready to store.

        Raises:
            DestinationError: not reachable, or not ours to write to; may be called again.
        """

    async def store(self, records: Sequence[KafkaRecord]) -> None:
        """Return once every record is durable; records of one key keep their order.

        Storing a batch again is harmless: readers tell records apart by their id.

        Raises:
            DestinationError: some or all may be missing; store the whole batch again.
        """

    async def stop(self) -> None:
        """Give back connections within a few seconds, whatever state the destination is in; never raises."""

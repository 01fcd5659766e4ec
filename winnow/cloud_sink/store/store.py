"""The seam between the cloud's processes and their database."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from winnow.cloud_sink.store.rows import (
    Bandwidth,
    CameraRow,
    DeadLetter,
    EventFilter,
    Gap,
    HourCount,
    NodeRow,
    StoredEvent,
    WriteResult,
)
from winnow.events.kafka import KafkaRecord

TopicPartition = tuple[str, int]
"""A Kafka topic and the number of one of its partitions."""

EVERYTHING: Final = EventFilter()
DEFAULT_LATENESS_S: Final = 36.0
"""How long a missing sequence may be on its way before it counts as a gap.

An edge sends a message without a receipt again after 33 s at most; and whoever looks shall know within a minute: audit
and page look every few seconds, and ten more are for a busy machine.
"""


class Store(Protocol):
    """Events, thumbnails, states and offsets, safe to use from several threads at once.

    Every method raises `StoreUnavailableError` when the database does not answer.
    """

    def write(self, records: Sequence[KafkaRecord], offsets: Mapping[TopicPartition, int] | None = None) -> WriteResult:
        """Everything that `records` say is durable, together with the offsets, or nothing is.

        Writing the same records again changes nothing. A record that breaks the contract goes to the dead letters
        and never holds up the others.

        Args:
            records: of any of the four topics, in the order they came.
            offsets: the next offset to read, for every partition that the records came from.
        """

    def offsets(self) -> dict[TopicPartition, int]:
        """Return the next offset to read of every partition that was ever written."""

    def events(
        self,
        wanted: EventFilter = EVERYTHING,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> list[StoredEvent]:
        """Return at most `limit` events in the order of arrival, or in the reverse order.

        Args:
            wanted: which events.
            after: only events whose position is greater.
            before: only events whose position is smaller.
            limit: most events to return, at least 1.
            newest_first: start at the end.
        """

    def thumbnail(self, thumbnail_id: str) -> bytes | None:
        """Return the JPEG that a `StoredEvent.thumbnail_id` names, None if there is none such."""

    def counts_per_hour(self, wanted: EventFilter = EVERYTHING) -> list[HourCount]:
        """Return how many events with a label there were an hour, by hour and label.

        `since` and `until` take whole hours: every hour that overlaps them counts in full. One object causes several
        events; ask for the kind `object.started` to count objects.
        """

    def nodes(self) -> list[NodeRow]:
        """Return every node that was heard of, by name."""

    def cameras(self) -> list[CameraRow]:
        """Return every camera that was heard of, by node and name."""

    def bandwidth(self) -> Bandwidth:
        """Return the sum over all cameras."""

    def gaps(self, lateness_s: float = DEFAULT_LATENESS_S) -> list[Gap]:
        """Return every gap that is older than `lateness_s`, by node, epoch and sequence."""

    def dead_letters(self, *, limit: int = 100) -> list[DeadLetter]:
        """Return at most `limit` refused records, the newest first."""

    def close(self) -> None:
        """Every connection is closed; the store must not be used again."""

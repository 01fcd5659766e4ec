"""The seam between those who see events and the one who delivers them: accepted, kept, receipted, gone."""

from collections.abc import Collection, Sequence
from typing import Protocol

from winnow.events import Receipt
from winnow.pipeline.delivery.message import Message, SpooledMessage


class Spool(Protocol):
    """Messages that wait for their receipts. Every method may be called from any thread."""

    @property
    def node(self) -> str:
        """The node whose messages these are."""

    @property
    def epoch(self) -> str:
        """The name of this life of the spool."""

    @property
    def last_sequence(self) -> int:
        """The highest sequence of this epoch so far; 0 before the first."""

    @property
    def depth(self) -> int:
        """Messages that wait."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the PUBLISH packets that wait."""

    def append(self, messages: Sequence[Message]) -> list[Message]:
        """Accept all messages or none: they are durable and have the next sequences, in the order given.

        Where they do not fit, older and less valuable ones are given up first, each named by a tombstone.

        Raises:
            ContractError: one is too large or speaks for another node.
            SpoolFullError: there is no room.
            SpoolFailedError: the disk or the file fails.
        """

    def next_batch(
        self,
        *,
        limit_messages: int,
        limit_bytes: int,
        excluding: Collection[int] = (),
        live_after: int | None = None,
        max_message_bytes: int | None = None,
    ) -> list[SpooledMessage]:
        """Return what is to go out next, in that order; it stays in the spool.

        Args:
            limit_messages: at most so many.
            limit_bytes: at most so large together.
            excluding: sequences that are on their way already.
            live_after: messages with a higher sequence are live; within a send class they overtake older ones.
            max_message_bytes: larger ones are passed over.

        Raises:
            SpoolFailedError: the disk or the file fails.
        """

    def read(self, sequences: Collection[int]) -> list[SpooledMessage]:
        """Return those of `sequences` that still wait, lowest first.

        Raises:
            SpoolFailedError: the disk or the file fails.
        """

    def acknowledge(self, receipt: Receipt) -> int:
        """Delete what the receipt names and return how many that were.

        A receipt of another epoch, and sequences that do not wait any more, change nothing.

        Raises:
            SpoolFullError: the disk is so full that not even a deletion can be written.
            SpoolFailedError: the disk or the file fails.
        """

    def close(self) -> None:
        """Give the spool back; what waits is there when it is opened again."""

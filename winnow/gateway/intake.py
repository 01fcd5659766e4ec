"""The seam to where messages come from: received, and acknowledged when they are safe.

Errors:
    ConnectionLostError      whatever was not acknowledged will be received again
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct


class ConnectionLostError(Exception):
    """The connection that the message belonged to is gone."""


class Received(Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """One message of the broker.

    Attributes:
        qos: 0 or 1; only 1 is acknowledged.
        mid: the broker's number for the acknowledgement, valid on one connection.
        connection: counts the connections; tells which one `mid` belongs to.
    """

    topic: str
    payload: bytes
    user_properties: Iterable[tuple[str, str]]
    qos: int
    mid: int
    connection: int


class Intake(Protocol):
    """Hands over messages in order and never forgets one that was not acknowledged."""

    @property
    def connected(self) -> bool:
        """Return whether messages can come in now."""

    async def run(self) -> None:
        """Stay connected until cancelled; a lost connection is made again."""

    async def wait(self, timeout_s: float) -> bool:
        """Return whether a message waits, at the latest when the time has passed."""

    def take(self) -> Received | None:
        """Return the oldest message that waits, None if there is none."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, ahead of every acknowledgement that follows.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Tell the broker that these are safe, in this order; without effect on those whose connection is gone."""

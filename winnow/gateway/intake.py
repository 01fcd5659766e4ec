"""The seam to where messages come from: received, and acknowledged when they are safe.

Errors:
    ConnectionLostError      whatever was not acknowledged will be received again
"""

from typing import Protocol

from msgspec import Struct


class ConnectionLostError(Exception):
    """The connection that the message belonged to is gone."""


class Received(Struct, frozen=True, kw_only=True, eq=False):
    """One message of the broker.

    Attributes:
        qos: 0 or 1; only 1 is acknowledged.
        mid: the broker's number for the acknowledgement, valid on one connection.
        connection: counts the connections; tells which one `mid` belongs to.
    """

    topic: str
    payload: bytes
    user_properties: tuple[tuple[str, str], ...]
    qos: int
    mid: int
    connection: int


class Intake(Protocol):
    """Hands over messages one by one and never forgets one that was not acknowledged."""

    @property
    def connected(self) -> bool:
        """Return whether messages can come in now."""

    async def run(self) -> None:
        """Stay connected until cancelled; a lost connection is made again."""

    async def receive(self, timeout_s: float) -> Received | None:
        """Return the oldest message that waits, None if none comes in time."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, ahead of every acknowledgement that follows.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that `message` is safe; without effect once its connection is gone."""

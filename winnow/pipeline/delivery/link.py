"""One connection to the broker, from CONNECT to its end: the seam below the publisher."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from winnow.events.mqtt import MqttMessage
from winnow.pipeline.delivery.aliases import Alias
from winnow.pipeline.delivery.metrics import RefusalReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """The broker accepted the connection.

    Attributes:
        max_packet_bytes: the largest packet that it takes; None if it names no limit.
        topic_alias_maximum: how many topics it knows by a number.
    """

    max_packet_bytes: int | None = None
    topic_alias_maximum: int = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """The broker answered a PUBLISH.

    Attributes:
        packet_id: what `Link.publish` returned.
        refusal: why it did not take the message; None if it did.
    """

    packet_id: int
    refusal: RefusalReason | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A receipt came in; not checked yet."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Commanded:
    """A command came in; not checked yet."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is over, or never came about; `reason` tells a person why."""

    reason: str


Report = Connected | Answered | Arrived | Commanded | Ended
State = Literal["connecting", "connected", "ended"]


class Link(Protocol):
    """One connection. It ends once and is not used again: the next one is a new link."""

    def publish(self, message: MqttMessage, *, retain: bool = False, alias: Alias | None = None) -> int | None:
        """Hand a message (QoS 1) to the network; return its packet id, None if the connection is over."""

    @property
    def room(self) -> int:
        """Return how many more messages the broker lets wait for its answer."""

    def reports(self) -> list[Report]:
        """Return what happened since the last call, in order."""

    def fault(self) -> str | None:
        """Return what is wrong with a connection that has not ended by itself, None if it is well."""

    def is_outdated(self) -> bool:
        """Return whether the certificate has been renewed: the next connection shows another one."""

    def close(self, *, orderly: bool) -> None:
        """End the connection: orderly keeps the broker from publishing the last will.

        The link after an outdated one that was closed in order takes over its session, with all that waits in it.
        """


Connect = Callable[[Callable[[], None]], Link]
"""Starts a new link, which calls its argument from any thread when there is something to report.

Raises OSError if the broker cannot be reached.
"""

"""What the log says of a broker that refuses messages: once, with what to do about it, and once when it is over."""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from winnow.pipeline.delivery.metrics import RefusalReason

logger = logging.getLogger(__name__)

ADVICE: Final[Mapping[RefusalReason, str]] = MappingProxyType(
    {
        "no_subscriber": "no gateway listens: start `winnow gateway` on this broker",
        "not_authorized": "the broker's access rules forbid this node its topics: correct them, or node and login here",
        "quota": "the broker's quota for this client is used up: raise it",
        "size": "the message is larger than the broker allows: raise its limit",
        "disconnect": "the broker ends the connection over it: look at the broker's log",
        "other": "look at the broker's log",
    }
)
"""What somebody can do about each reason."""


class Refusals:
    """Whether the broker refuses messages at present. What it refuses stays in the spool and is sent again.

    Args:
        node: named in the log.
    """

    def __init__(self, node: str) -> None:
        self._node = node
        self._reason: RefusalReason | None = None

    def note(self, reason: RefusalReason) -> None:
        """Take in a refusal: it is logged if the one before had another reason, or if there was none."""
        if reason != self._reason:
            fields = {"node": self._node, "reason": reason, "advice": ADVICE[reason]}
            logger.warning("Broker refuses messages; they stay in the spool", extra=fields)
        self._reason = reason

    def note_taken(self) -> None:
        """Take in that the broker took a message."""
        if self._reason is not None:
            logger.info("Broker takes messages again", extra={"node": self._node})
        self._reason = None

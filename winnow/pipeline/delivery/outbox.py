"""Where the cameras hand their messages over: spooled, and the publisher told."""

import logging
from collections.abc import Callable, Sequence

from winnow.pipeline.delivery.errors import SpoolFullError
from winnow.pipeline.delivery.message import Message
from winnow.pipeline.delivery.metrics import DeliveryMetrics
from winnow.pipeline.delivery.spool import Spool

logger = logging.getLogger(__name__)


class SpoolOutbox:
    """Takes messages over for good.

    Args:
        spool: keeps them.
        notify: called when there is something new; must not block.
        metrics: counts what a full spool did not take.
    """

    def __init__(self, spool: Spool, *, notify: Callable[[], None], metrics: DeliveryMetrics) -> None:
        self._spool = spool
        self._notify = notify
        self._metrics = metrics

    @property
    def depth(self) -> int:
        """Messages that wait for their receipt."""
        return self._spool.depth

    @property
    def size_bytes(self) -> int:
        """Bytes that wait for their receipt."""
        return self._spool.size_bytes

    def accept(self, messages: Sequence[Message]) -> None:
        """Return once the messages are durable, or lost for want of space: logged and counted, the cameras go on.

        Raises:
            ContractError: one is too large or speaks for another node.
            SpoolFailedError: the disk or the file fails.
        """
        try:
            self._spool.append(messages)
        except SpoolFullError as exc:
            self._metrics.dropped.labels("full").inc(len(messages))
            logger.error(  # noqa: TRY400 - the trace says nothing about the disk
                "Spool is full: messages are lost", extra={"messages": len(messages), "reason": str(exc)}
            )
            return
        self._notify()

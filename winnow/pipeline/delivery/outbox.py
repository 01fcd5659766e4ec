"""Where messages are accepted: spooled, and the publisher told; what the spool does not take is counted."""

import logging
from collections.abc import Callable, Sequence

from winnow.events import ContractError
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
        metrics: counts what was not accepted.
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
            self._lose("full", "Spool is full: messages are lost", messages, exc)
        else:
            self._notify()

    def accept_each(self, batches: Sequence[Sequence[Message]]) -> None:
        """Return once all batches are durable, in one transaction if nothing is against it.

        What one of them is refused for, for want of space or by the contract, does not cost the others.

        Raises:
            SpoolFailedError: the disk or the file fails; none of them is accepted.
        """
        if len(batches) > 1:
            try:
                self._spool.append([message for batch in batches for message in batch])
            except (ContractError, SpoolFullError):
                pass  # each by itself, below
            else:
                self._notify()
                return
        for batch in batches:
            try:
                self.accept(batch)
            except ContractError as exc:
                self._lose("contract", "Messages break the contract and are lost", batch, exc)

    def _lose(self, reason: str, text: str, messages: Sequence[Message], why: Exception) -> None:
        self._metrics.dropped.labels(reason).inc(len(messages))
        logger.error(text, extra={"messages": len(messages), "reason": str(why)})

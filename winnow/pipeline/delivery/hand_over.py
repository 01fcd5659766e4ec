"""Between the cameras and the disk: messages are handed over in order, and one thread has the spool take them.

Theory. A disk may stall for seconds, and a camera does not wait for one. So a camera puts its messages into a bounded
queue and goes on; they are *accepted* later, when the spool has them on disk. What is in the queue when the process
dies was never accepted. Everything that waits goes into one transaction: the slower the disk, the more a sync carries.

When the disk stalls for so long that the queue fills up, what matters least is not taken any more: thumbnails first,
then updates, so that room is left for the ends of objects and for rules. A recording does not run away, so it waits.

    share of the queue that is full     taken from live cameras
    less than 1/2                       everything
    less than 3/4                       no thumbnails
    less than 9/10                      no updates either
    less than 1                         ends of objects, rules, health
"""

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from threading import Event as Flag
from typing import Final

from winnow.events import Thumbnail
from winnow.pipeline.delivery.errors import SpoolFailedError
from winnow.pipeline.delivery.message import Message
from winnow.pipeline.delivery.metrics import DeliveryMetrics
from winnow.pipeline.delivery.outbox import SpoolOutbox
from winnow.pipeline.delivery.priority import KeepClass, priority_of

MAX_MESSAGES: Final = 4096
MAX_BYTES: Final = 32 * 1024 * 1024
"""At 50 messages and 200 KB a second (sixteen busy cameras) a disk may stall for 80 seconds."""

AT_ONCE_MESSAGES: Final = 256
AT_ONCE_BYTES: Final = 2 * 1024 * 1024
"""In one transaction: SQLite's log, which holds it twice over for a moment, stays small."""

_TAKEN_BELOW: Final[Mapping[KeepClass, float]] = {
    KeepClass.THUMBNAIL: 0.5,
    KeepClass.UPDATE: 0.75,
    KeepClass.CHANGE: 0.9,
    KeepClass.RECORD: 1.0,
    KeepClass.TOMBSTONE: 1.0,
}
"""The share of the queue that may be full when a message of a class is taken."""

_FIXED_BYTES: Final = 512
"""What a message takes beside its content, about."""
_LOOK_EVERY_S: Final = 0.2
"""How long a recording that waits may miss that the process is to stop."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Load:
    """What was handed over and is not written yet."""

    messages: int = 0
    size_bytes: int = 0

    def plus(self, messages: Sequence[Message]) -> "Load":
        """Return the load with these messages as well."""
        return Load(self.messages + len(messages), self.size_bytes + sum(map(size_bytes, messages)))

    def minus(self, messages: Sequence[Message]) -> "Load":
        """Return the load without these messages."""
        return Load(self.messages - len(messages), self.size_bytes - sum(map(size_bytes, messages)))

    def share(self, most: "Load") -> float:
        """Return how full a queue is that takes at most so much; 1 is full."""
        return max(self.messages / most.messages, self.size_bytes / most.size_bytes)


def size_bytes(message: Message) -> int:
    """Return about how much memory a message takes."""
    return _FIXED_BYTES + len(message.jpeg if isinstance(message, Thumbnail) else message.data_json)


def taken(messages: Sequence[Message], share: float) -> list[Message]:
    """Return which messages are still taken when so much of the queue is full."""
    return [message for message in messages if share < _TAKEN_BELOW[priority_of(message.kind).keep]]


class HandOver:
    """Takes messages over from any thread, and hands them to the spool on a thread of its own.

    Args:
        outbox: accepts them; used by the thread of this object alone.
        metrics: counts what was not taken.
        stopping: set when the process is to end; nobody waits for room then.
        most: how much may wait for the disk.

    Attributes:
        failure: why nothing is accepted any more; None while the spool works.
    """

    def __init__(
        self,
        outbox: SpoolOutbox,
        *,
        metrics: DeliveryMetrics,
        stopping: Flag,
        most: Load = Load(MAX_MESSAGES, MAX_BYTES),
    ) -> None:
        self.failure: SpoolFailedError | None = None
        self._outbox = outbox
        self._metrics = metrics
        self._stopping = stopping
        self._most = most
        self._change = Condition()
        self._waiting: deque[Sequence[Message]] = deque()
        self._load = Load()
        self._refused = 0
        self._is_closing = False
        self._thread = Thread(target=self.run, name="spool-writer", daemon=True)
        metrics.watch_hand_over(lambda: self._load.messages)

    @property
    def depth(self) -> int:
        """Messages that wait for the disk or for their receipt."""
        return self._load.messages + self._outbox.depth

    @property
    def size_bytes(self) -> int:
        """Bytes that wait for their receipt."""
        return self._outbox.size_bytes

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def take(self, messages: Sequence[Message]) -> None:
        """Take messages over without ever waiting for the disk; what there is no room for is logged and counted.

        Raises:
            SpoolFailedError: the disk or the file has failed.
        """
        with self._change:
            self._put(messages)

    def take_all(self, messages: Sequence[Message]) -> None:
        """Take all messages over, waiting for room; once the process is to stop, like `take`.

        Raises:
            SpoolFailedError: the disk or the file has failed.
        """
        with self._change:
            while self.failure is None and not self._is_closing and not self._stopping.is_set():
                if len(taken(messages, self._load.share(self._most))) == len(messages):
                    break
                self._change.wait(_LOOK_EVERY_S)
            self._put(messages)

    def close(self, within_s: float) -> bool:
        """Return whether everything that was handed over is accepted, or lost for want of space.

        If the disk does not take it in time, what is left is lost: logged and counted. The thread may then still wait
        for the disk, and the spool cannot be closed.
        """
        with self._change:
            self._is_closing = True
            self._change.notify_all()
        self._thread.join(within_s)
        if not self._thread.is_alive():
            return True
        with self._change:
            self._lose_all("stalled", "the disk has stalled, and the process ends")
        return False

    def run(self) -> None:
        """Hand over to the spool until `close` is called and nothing waits, or the spool fails."""
        while self._wait_for_more():
            try:
                self.run_once()
            except SpoolFailedError as exc:
                self._fail(exc)
            except Exception as exc:
                logger.exception("Accepting failed")
                self._fail(SpoolFailedError(None, f"{type(exc).__name__}: {exc}"))

    def run_once(self) -> None:
        """Have the spool take the next messages in one transaction.

        Raises:
            SpoolFailedError: the disk or the file fails; nothing of it is accepted.
        """
        with self._change:
            batches = self._next()
        self._outbox.accept_each(batches)
        with self._change:
            for batch in batches if self._load.messages else ():  # else they were given up meanwhile
                self._load = self._load.minus(batch)
            if self._refused and not self._waiting:
                logger.error("The disk takes messages again", extra={"messages_lost": self._refused})
                self._refused = 0
            self._change.notify_all()

    def _wait_for_more(self) -> bool:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._is_closing or self.failure)
            return bool(self._waiting) and self.failure is None

    def _next(self) -> list[Sequence[Message]]:
        batches: list[Sequence[Message]] = []
        most, load = Load(AT_ONCE_MESSAGES, AT_ONCE_BYTES), Load()
        while self._waiting:
            load = load.plus(self._waiting[0])
            if batches and load.share(most) > 1:
                break
            batches.append(self._waiting.popleft())
        return batches

    def _put(self, messages: Sequence[Message]) -> None:
        if self.failure is not None:
            raise self.failure
        if self._is_closing:
            self._lose("stalled", len(messages), "they came after the end")
            return
        some = taken(messages, self._load.share(self._most))
        if refused := len(messages) - len(some):
            self._metrics.dropped.labels("stalled").inc(refused)
            if not self._refused:
                logger.error("The disk has stalled: messages are lost", extra={"waiting": self._load.messages})
            self._refused += refused
        if some:
            self._waiting.append(some)
            self._load = self._load.plus(some)
            self._change.notify_all()

    def _fail(self, failure: SpoolFailedError) -> None:
        with self._change:
            self.failure = failure
            self._lose_all("failed", str(failure))
            self._change.notify_all()

    def _lose_all(self, reason: str, why: str) -> None:
        self._waiting.clear()
        self._lose(reason, self._load.messages, why)
        self._load = Load()

    def _lose(self, reason: str, messages: int, why: str) -> None:
        self._metrics.dropped.labels(reason).inc(messages)
        if messages:
            logger.error("Messages are lost before they were accepted", extra={"messages": messages, "reason": why})

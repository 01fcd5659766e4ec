"""Fakes of the gateway's seams: an intake and a destination in memory, with failures as scripted."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from winnow.events.kafka import KafkaRecord
from winnow.events.mqtt import MqttMessage
from winnow.gateway.intake import ConnectionLostError, Received
from winnow.runtime.errors import DestinationError


class MemoryDestination:
    """Keeps records in a list.

    Args:
        failures: what each of the first attempts to store does: an error is raised before anything is kept, None lets
            the attempt succeed.

    Attributes:
        records: what was confirmed, in order, repeated batches too.
        attempts: how often `store` was called.
        started: whether it is started and not stopped.
    """

    def __init__(self, failures: Iterable[DestinationError | None] = ()) -> None:
        self._failures = deque(failures)
        self.records: list[KafkaRecord] = []
        self.attempts = 0
        self.started = False

    async def start(self) -> None:
        """Be ready."""
        self.started = True

    async def store(self, records: Sequence[KafkaRecord]) -> None:
        """Keep the records, or fail as scripted.

        Raises:
            DestinationError: as scripted.
        """
        self.attempts += 1
        failure = self._failures.popleft() if self._failures else None
        await asyncio.sleep(0)
        if failure is not None:
            raise failure
        self.records.extend(records)

    async def stop(self) -> None:
        """Be stopped; the records stay."""
        self.started = False


class MemoryIntake:
    """Hands over messages that a test puts in, and remembers what comes back.

    Attributes:
        connected: what a test says it is; while False, nothing can be published.
        published: topic and payload of what the broker took over.
        acknowledged: the `mid` of each acknowledged message.
        journal: `publish TOPIC` and `acknowledge MID` in the order in which they came.
    """

    def __init__(self) -> None:
        self._waiting: deque[Received] = deque()
        self.connected = True
        self.published: list[tuple[str, bytes]] = []
        self.acknowledged: list[int] = []
        self.journal: list[str] = []
        self._next_mid = 1

    def put(self, message: MqttMessage, *, qos: int = 1) -> int:
        """Let a message arrive; return its `mid`."""
        mid, self._next_mid = self._next_mid, self._next_mid + 1
        self._waiting.append(
            Received(
                topic=message.topic,
                payload=message.payload,
                user_properties=message.user_properties,
                qos=qos,
                mid=mid,
                connection=1,
            )
        )
        return mid

    async def run(self) -> None:
        """Wait to be cancelled."""
        await asyncio.Event().wait()

    async def wait(self, timeout_s: float) -> bool:
        """Return whether a message waits; almost at once if there is none, as if the time had passed."""
        await asyncio.sleep(0 if self._waiting else min(timeout_s, 0.01))
        return bool(self._waiting)

    def take(self) -> Received | None:
        """Return the oldest message that waits, None if there is none."""
        return self._waiting.popleft() if self._waiting else None

    def publish(self, topic: str, payload: bytes) -> None:
        """Keep the message.

        Raises:
            ConnectionLostError: `connected` is False.
        """
        if not self.connected:
            raise ConnectionLostError("not connected")
        self.published.append((topic, payload))
        self.journal.append(f"publish {topic}")

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Remember the messages."""
        self.acknowledged += [message.mid for message in messages]
        self.journal += [f"acknowledge {message.mid}" for message in messages]

"""A gateway's records straight into a store: the way without Kafka, on one machine."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

from winnow.cloud_sink.gap_alarm import PlaceAlarm
from winnow.cloud_sink.store import Store, StoreError, WriteResult
from winnow.cloud_sink.worker import WorkerThread
from winnow.events.kafka import KafkaRecord
from winnow.runtime.errors import DestinationError

_STOP_TIMEOUT_S: Final = 5.0

Answer = TypeVar("Answer")


class StoreDestination:
    """Keeps records in a store; satisfies the gateway's `Destination`.

    Args:
        open_store: opens the store; called on the worker's thread, again after each failure.
        timeout_s: how long to wait for the database; at least as long as it may take for one statement.
        note: told what became of each batch.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        *,
        timeout_s: float = 45.0,
        note: Callable[[WriteResult], None] = lambda _: None,
    ) -> None:
        self._open_store = open_store
        self._note = note
        self._place_alarm = PlaceAlarm()
        self._store: Store | None = None
        self._worker = WorkerThread("store", timeout_s=timeout_s)

    async def start(self) -> None:
        """The store is open.

        Raises:
            DestinationError: it cannot be opened; may be called again.
        """
        if self._store is None:
            self._store = await self._run(self._open_store)

    async def store(self, records: Sequence[KafkaRecord]) -> None:
        """Return once every record is in the store or among its dead letters.

        Raises:
            DestinationError: nothing is certain about the batch; store it again, which is harmless.
        """
        if self._store is None:
            raise DestinationError("the store is not open")
        result = await self._run(partial(self._store.write, records))
        self._note(result)
        self._place_alarm.report(result.reused)

    async def stop(self) -> None:
        """The store is closed if the database lets go of it in time; never raises."""
        if self._store is not None:
            with suppress(DestinationError, TimeoutError):
                await asyncio.wait_for(self._run(self._store.close), _STOP_TIMEOUT_S)
        self._worker.stop()

    async def _run(self, call: Callable[[], Answer]) -> Answer:
        try:
            return await self._worker.run(call)
        except (StoreError, TimeoutError) as exc:
            raise DestinationError(f"store: {str(exc) or 'no answer in time'}") from exc

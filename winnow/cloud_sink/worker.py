"""A thread that makes blocking calls for an event loop, one after the other."""

import asyncio
import queue
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import TypeVar

Answer = TypeVar("Answer")


class WorkerThread:
    """Runs calls in the order they were asked for.

    The thread is a daemon: a database that never answers does not keep the process from ending. That is safe because
    a write that is cut off is rolled back and comes again.

    Args:
        name: of the thread.
        timeout_s: how long a caller waits for its answer.
    """

    def __init__(self, name: str, *, timeout_s: float = 60.0) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._timeout_s = timeout_s
        Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Return what `call` returned, or raise what it raised.

        Raises:
            TimeoutError: no answer in time; the call may still be under way, and later ones wait behind it.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._calls.put(lambda: _answer(loop, answer, call))
        return await asyncio.wait_for(answer, self._timeout_s)

    def stop(self) -> None:
        """The thread ends after the calls that were asked for."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _answer(loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Answer]", call: Callable[[], Answer]) -> None:
    try:
        tell = partial(_set_result, answer, call())
    except Exception as exc:  # noqa: BLE001 - whoever asked gets it
        tell = partial(_set_error, answer, exc)
    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        loop.call_soon_threadsafe(tell)


def _set_result(answer: "asyncio.Future[Answer]", result: Answer) -> None:
    if not answer.done():
        answer.set_result(result)


def _set_error(answer: "asyncio.Future[Answer]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)

"""The edge process: one thread a camera, one outbox, and statistics of it all every minute."""

import logging
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Event as Flag
from typing import Final, Protocol

from winnow.events import Event, new_event
from winnow.events.data import ModelRef
from winnow.events.identity import digest_of, event_id
from winnow.events.names import source_of
from winnow.pipeline.camera import Camera
from winnow.pipeline.delivery import SpoolFailedError
from winnow.pipeline.event_maker import Message
from winnow.pipeline.node_stats import StatisticsReporter
from winnow.pipeline.sources import SourceError
from winnow.runtime.clock import Clock

logger = logging.getLogger(__name__)

_STOP_POLL_S: Final = 0.1
"""How long a request to stop may go unnoticed while nothing else happens."""


class Outbox(Protocol):
    """Takes messages over for good and gets them to the cloud."""

    @property
    def depth(self) -> int:
        """Return how many messages wait for their receipt."""

    @property
    def size_bytes(self) -> int:
        """Return how many bytes they have."""

    def accept(self, messages: Sequence[Message]) -> None:
        """Return once the messages are durable."""


class EdgeNode:
    """All cameras of one box.

    Args:
        name: the node.
        cameras: each runs in a thread of its own; one that fails does not disturb the others.
        outbox: takes the node's own events.
        model: named in the statistics.
        stats_every_s: wall time between two `node.stats`.
        clock: tells that time.
    """

    def __init__(  # noqa: PLR0913 - the parts of a node
        self,
        name: str,
        *,
        cameras: Sequence[Camera],
        outbox: Outbox,
        model: ModelRef,
        stats_every_s: float,
        clock: Clock,
    ) -> None:
        self._name = name
        self._cameras = cameras
        self._outbox = outbox
        self._stats_every_s = stats_every_s
        self._clock = clock
        self._reporter = StatisticsReporter(model)
        self._reported_at_mono_s = clock.monotonic_s()
        self._reports = 0
        self._stream_id = digest_of(source_of(name, None), clock.now().isoformat())

    def run(self, stopping: Flag) -> list[str]:
        """Return when every camera has ended, which they do soon after `stopping` is set.

        Returns:
            One line for each camera that failed; what it had seen so far is accepted all the same.
        """
        with ThreadPoolExecutor(len(self._cameras), thread_name_prefix="camera") as pool:
            running = {pool.submit(camera.run, stopping): camera for camera in self._cameras}
            pending = set(running)
            while pending:
                done, pending = wait(pending, timeout=_STOP_POLL_S, return_when=FIRST_COMPLETED)
                if any(isinstance(future.exception(), SpoolFailedError) for future in done):
                    stopping.set()  # without a spool nothing can be accepted
                elif self._clock.monotonic_s() - self._reported_at_mono_s >= self._stats_every_s:
                    self._report()
        self._report()
        return [problem for future, camera in running.items() if (problem := _failure(future, camera))]

    def _report(self) -> None:
        try:
            self._outbox.accept([self._stats_event()])
        except SpoolFailedError as exc:
            logger.error("Statistics are lost: the spool fails", extra={"reason": str(exc)})  # noqa: TRY400

    def _stats_event(self) -> Event:
        now_mono_s = self._clock.monotonic_s()
        stats = self._reporter.report(
            [(camera.name, camera.counters()) for camera in self._cameras],
            period_s=now_mono_s - self._reported_at_mono_s,
            spool_depth=self._outbox.depth,
            spool_bytes=self._outbox.size_bytes,
        )
        self._reported_at_mono_s = now_mono_s
        report_id = event_id(self._stream_id, "node.stats", self._name, self._reports)
        self._reports += 1
        return new_event(id=report_id, node=self._name, camera=None, subject=None, time=self._clock.now(), data=stats)


def _failure(future: Future[None], camera: Camera) -> str | None:
    try:
        future.result()
    except (SourceError, SpoolFailedError) as exc:
        return f"camera {camera.name}: {exc}"
    except Exception as exc:
        logger.exception("Camera failed", extra={"camera": camera.name})
        return f"camera {camera.name}: {exc.__class__.__name__}: {exc}"
    return None

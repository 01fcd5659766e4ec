"""The edge process: one thread a camera, one outbox, and statistics of it all every minute."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event as Flag
from typing import Final, Protocol

from winnow.events import Event, new_event
from winnow.events.data import CertificateEnd, CommandAnswer, ModelRef, NodeStats, SettingsInUse
from winnow.events.identity import digest_of, event_id
from winnow.events.names import source_of
from winnow.pipeline.bandwidth import Accounts
from winnow.pipeline.camera import Camera
from winnow.pipeline.delivery import SpoolFailedError
from winnow.pipeline.event_maker import Message
from winnow.pipeline.node_stats import StatisticsReporter, parts_of
from winnow.pipeline.sources import SourceError
from winnow.pipeline.start_pace import StartPace
from winnow.runtime.clock import Clock

logger = logging.getLogger(__name__)

_MAX_THREADS: Final = 128
"""Settings allow 64 cameras; as many more may be on their way out."""

_MAX_ANSWERS: Final = 64
"""More answers than this in a tenth of a second are nobody's orders; the oldest go first."""

_SETTLE_S: Final = 1.0
"""What the end waits for receipts before the last report."""

_STOP_POLL_S: Final = 0.1
"""How long a request to stop may go unnoticed while nothing else happens."""


class Outbox(Protocol):
    """Takes messages over and gets them to the cloud.

    Attributes:
        failure: why nothing is accepted any more; None while all is well.
    """

    failure: SpoolFailedError | None

    @property
    def depth(self) -> int:
        """Return how many messages wait for their receipt."""

    @property
    def size_bytes(self) -> int:
        """Return how many bytes they have."""

    def take(self, messages: Sequence[Message]) -> None:
        """Take messages over, in order; never waits for the disk.

        Raises:
            SpoolFailedError: nothing is accepted any more.
        """


@dataclass(slots=True, eq=False)
class _Seat:
    """A camera that runs.

    Attributes:
        camera: itself.
        leaving: asks it to end.
        running: done when it has.
        successor: takes its place then; None leaves the place empty.
        is_told: that it has ended is known.
        problem: why it failed, None if it did not.
        is_removed: it is not part of the node any more once it has ended.
    """

    camera: Camera
    leaving: Flag
    running: Future[None]
    successor: Camera | None = None
    is_told: bool = False
    problem: str | None = None
    is_removed: bool = False


class EdgeNode:
    """All cameras of one box.

    Cameras may come and go while it runs; `put` and `remove` are called by `attend` alone, see `run`.

    Args:
        name: the node.
        cameras: each runs in a thread of its own; one that fails does not disturb the others.
        outbox: takes the node's own events.
        model: named in the statistics.
        stats_every_s: wall time between two `node.stats`.
        clock: tells that time.
        accounts: of bytes by camera and day; None where nothing is sent.
        certificates: gives what the statistics say of them.
        start_pace: holds live cameras back for a moment when many start at once; None starts them together.

    Attributes:
        stats_every_s: may be changed at any time.
        settings_in_use: told with the statistics, and at once when it is another one.
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
        accounts: Accounts | None = None,
        certificates: Callable[[], Sequence[CertificateEnd]] = tuple,
        start_pace: StartPace | None = None,
    ) -> None:
        self.stats_every_s = stats_every_s
        self.settings_in_use: SettingsInUse | None = None
        self._settings_told: SettingsInUse | None = None
        self._answers: deque[CommandAnswer] = deque(maxlen=_MAX_ANSWERS)
        self._name = name
        self._arriving = list(cameras)
        self._seats: dict[str, _Seat] = {}
        self._outbox = outbox
        self._clock = clock
        self._accounts = accounts
        self._certificates = certificates
        self._start_pace = start_pace
        self._reporter = StatisticsReporter(model)
        self._reported_at_mono_s = clock.monotonic_s()
        self._reports = 0
        self._stream_id = digest_of(source_of(name, None), clock.now().isoformat())

    @property
    def cameras(self) -> list[Camera]:
        """Return the cameras as they are now, those that have ended by themselves included; any thread may ask."""
        seated = self._seats.copy()
        return [
            *(seat.camera for seat in seated.values()),
            *(camera for camera in self._arriving if camera.name not in seated),
        ]

    def put(self, camera: Camera) -> None:
        """Start a camera; one of the same name is asked to end, and the new one starts when it has."""
        seat = self._seats.get(camera.name)
        if seat is None:
            self._arriving = [*self._arriving_but(camera.name), camera]
        else:
            self.remove(camera.name)
            seat.successor = camera

    def remove(self, name: str) -> None:
        """Ask a camera to end, and forget it then; one that has not started yet never does."""
        self._arriving = self._arriving_but(name)
        seat = self._seats.get(name)
        if seat is None:
            return
        seat.successor, seat.is_removed = None, True
        seat.leaving.set()

    def _arriving_but(self, name: str) -> list[Camera]:
        return [camera for camera in self._arriving if camera.name != name]

    def answer(self, answer: CommandAnswer) -> None:
        """Tell at once what became of a command; any thread may call."""
        self._answers.append(answer)

    def run(self, stopping: Flag, attend: Callable[[], None] = lambda: None) -> list[str]:
        """Return when every camera has ended, which they do soon after `stopping` is set.

        Args:
            stopping: ends every camera.
            attend: called several times a second, on the thread that runs this.

        Returns:
            One line for each camera that failed; what it had seen so far is accepted all the same.
        """
        self._settings_told = self.settings_in_use  # only a change is news
        with ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="camera") as pool:
            try:
                self._attend(pool, stopping, attend)
            finally:
                self._ask_all_to_leave()  # else the pool would wait for them for ever after a failure here
        self._settle()
        self._report()
        self._note_ends()
        problems = [seat.problem for seat in self._seats.values() if seat.problem is not None]
        failure = str(self._outbox.failure or "")
        return problems if any(failure in problem for problem in problems) or not failure else [*problems, failure]

    def _attend(self, pool: ThreadPoolExecutor, stopping: Flag, attend: Callable[[], None]) -> None:
        """Start cameras, keep their accounts and report, until every camera has ended."""
        while self._seat_arrivals(pool, stopping) or self._pending():
            wait(self._pending(), timeout=_STOP_POLL_S, return_when=FIRST_COMPLETED)
            self._keep_accounts()
            if self._spool_has_failed():
                stopping.set()  # without a spool nothing can be accepted
            elif self._is_report_due():
                self._report()
            if stopping.is_set():
                self._ask_all_to_leave()
            else:
                attend()
            self._clear_seats()

    def _ask_all_to_leave(self) -> None:
        for seat in self._seats.values():
            seat.leaving.set()

    def _note_ends(self) -> None:
        """Tell of each camera that has failed, at once and once."""
        for seat in self._seats.values():
            if seat.running.done() and not seat.is_told:
                seat.is_told = True
                seat.problem = _failure(seat.running, seat.camera)
                if seat.problem is not None:
                    logger.warning("Camera has failed", extra={"camera": seat.camera.name, "reason": seat.problem})

    def _pending(self) -> set[Future[None]]:
        return {seat.running for seat in self._seats.values() if not seat.running.done()}

    def _is_report_due(self) -> bool:
        since_s = self._clock.monotonic_s() - self._reported_at_mono_s
        has_news = bool(self._answers) or self.settings_in_use != self._settings_told
        return since_s >= self.stats_every_s or has_news

    def _spool_has_failed(self) -> bool:
        if self._outbox.failure is not None:
            return True
        ended = [seat.running for seat in self._seats.values() if seat.running.done()]
        return any(isinstance(running.exception(), SpoolFailedError) for running in ended)

    def _seat_arrivals(self, pool: ThreadPoolExecutor, stopping: Flag) -> bool:
        """Start the cameras that wait for it and may; return whether there were any that wait."""
        waiting, kept = self._arriving, []
        for camera in waiting:
            if not stopping.is_set() and not self._may_start(camera):
                kept.append(camera)
                continue
            leaving = Flag()
            if stopping.is_set():
                leaving.set()
            self._seats[camera.name] = _Seat(camera, leaving, pool.submit(camera.run, leaving))
        self._arriving = kept
        if kept and not self._pending():
            self._clock.sleep(_STOP_POLL_S)
        return bool(waiting)

    def _may_start(self, camera: Camera) -> bool:
        if self._start_pace is None or not camera.source.is_live:
            return True
        return self._start_pace.takes(self._clock.monotonic_s())

    def _clear_seats(self) -> None:
        """Take the cameras that were asked to go and have ended out of the node, their last counts told."""
        self._note_ends()
        gone = [seat for seat in self._seats.values() if seat.is_removed and seat.running.done()]
        if not gone:
            return
        self._report()
        for seat in gone:
            self._reporter.forget(seat.camera.name)
            del self._seats[seat.camera.name]
            if seat.successor is not None:
                self._arriving.append(seat.successor)

    def _settle(self) -> None:
        """Wait for a moment, so that the last report tells the bytes of the last events too."""
        if self._accounts is not None:
            until_s = self._clock.monotonic_s() + _SETTLE_S
            while self._outbox.depth and self._clock.monotonic_s() < until_s:
                self._clock.sleep(_SETTLE_S / 50)
            self._keep_accounts(at_once=True)

    def _keep_accounts(self, *, at_once: bool = False) -> None:
        if self._accounts is not None:
            read = {camera.name: camera.source.stats.bytes_read for camera in self.cameras}
            self._accounts.update(lambda: read, at_once=at_once)

    def _report(self) -> None:
        try:
            self._outbox.take(self._stats_events())
        except SpoolFailedError as exc:
            logger.error("Statistics are lost: the spool fails", extra={"reason": str(exc)})  # noqa: TRY400

    def _stats_events(self) -> list[Event]:
        now_mono_s = self._clock.monotonic_s()
        stats = self._reporter.report(
            [(camera.name, camera.counters()) for camera in self.cameras],
            period_s=now_mono_s - self._reported_at_mono_s,
            spool_depth=self._outbox.depth,
            spool_bytes=self._outbox.size_bytes,
            settings=self.settings_in_use,
            accounts=self._accounts,
            certificates=self._certificates(),
            answers=[self._answers.popleft() for _ in range(len(self._answers))],
        )
        self._settings_told = self.settings_in_use
        self._reported_at_mono_s = now_mono_s
        return [self._stats_event(part) for part in parts_of(stats)]

    def _stats_event(self, stats: NodeStats) -> Event:
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

"""What `node.stats` says: how much the cameras' counters grew since the last report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from winnow.events.data import CameraStats, CommandAnswer, ModelRef, NodeStats, SettingsInUse


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraCounters:
    """A camera's counters since its process started, and its latencies of late.

    Attributes:
        frames_decoded: pictures that came out of the decoder.
        frames_analysed: sampled ones among them that were looked at.
        frames_dropped: pictures that were given up, by reason.
        bytes_in: compressed stream bytes.
        bytes_out: event and thumbnail bytes accepted.
        latency_p50_ms: median of frame read → events accepted.
        latency_p95_ms: 95th percentile of the same.
    """

    frames_decoded: int
    frames_analysed: int
    frames_dropped: Mapping[str, int]
    bytes_in: int
    bytes_out: int
    latency_p50_ms: float
    latency_p95_ms: float


class StatisticsReporter:
    """Turns counters that only grow into what happened since the last report."""

    def __init__(self, model: ModelRef) -> None:
        self._model = model
        self._last: dict[str, CameraCounters] = {}

    def forget(self, camera: str) -> None:
        """Expect a camera of this name to count from zero."""
        self._last.pop(camera, None)

    def report(  # noqa: PLR0913 - what a report says
        self,
        cameras: Iterable[tuple[str, CameraCounters]],
        *,
        period_s: float,
        spool_depth: int,
        spool_bytes: int,
        settings: SettingsInUse | None = None,
        answers: Sequence[CommandAnswer] = (),
    ) -> NodeStats:
        """Return the growth of every camera's counters since the last call (since the start, at the first one)."""
        stats = []
        for name, now in cameras:
            stats.append(_growth(name, self._last.get(name), now))
            self._last[name] = now
        return NodeStats(
            period_s=round(period_s, 3),
            cameras=stats,
            spool_depth=spool_depth,
            spool_bytes=spool_bytes,
            model=self._model,
            settings=settings,
            answers=list(answers),
        )


def _growth(name: str, before: CameraCounters | None, now: CameraCounters) -> CameraStats:
    dropped_before = before.frames_dropped if before else {}
    return CameraStats(
        camera=name,
        frames_decoded=now.frames_decoded - (before.frames_decoded if before else 0),
        frames_analysed=now.frames_analysed - (before.frames_analysed if before else 0),
        frames_dropped={reason: n - dropped_before.get(reason, 0) for reason, n in now.frames_dropped.items()},
        bytes_in=now.bytes_in - (before.bytes_in if before else 0),
        bytes_out=now.bytes_out - (before.bytes_out if before else 0),
        latency_p50_ms=round(now.latency_p50_ms, 1),
        latency_p95_ms=round(now.latency_p95_ms, 1),
    )

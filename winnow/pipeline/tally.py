"""What one camera's loop did: frames, bytes, latencies, time by stage."""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

from winnow.pipeline.bandwidth.held_pictures import HeldReason
from winnow.runtime.clock import Clock

Stage = Literal["decode", "motion", "detect", "observe", "accept"]
STAGES: Final[tuple[Stage, ...]] = ("decode", "motion", "detect", "observe", "accept")
_KEPT_LATENCIES: Final = 512
LATELY_S: Final = 30.0
"""Latencies older than this are of another time: a camera that rests has one every other second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTally:
    """What was followed.

    Attributes:
        open: tracks at the last frame, those included that are no object yet.
        begun: tracks so far.
        flow_steps: how often optical flow told where a track went from one analysed frame to the next.
    """

    open: int = 0
    begun: int = 0
    flow_steps: int = 0


@dataclass(slots=True)
class Tally:
    """Counts of one camera, written by its loop alone; others may read.

    Attributes:
        frames_analysed: sampled frames that were looked at.
        detector_runs: how many of them the detector saw.
        model_runs: inferences that took; several where one model input cannot show all that matters.
        tracks: what was followed.
        events: events that were handed on, by kind; thumbnails included.
        bytes_out: encoded size of those events and thumbnails.
        frames_skipped: sampled frames that were not looked at because the box cannot keep up.
        pictures_held: thumbnails that were held back or made small, by reason.
        refused: events that the spool had no room for.
        stage_s: seconds spent by stage.
    """

    frames_analysed: int = 0
    detector_runs: int = 0
    model_runs: int = 0
    tracks: TrackTally = TrackTally()
    events: Counter[str] = field(default_factory=Counter)
    bytes_out: int = 0
    frames_skipped: int = 0
    pictures_held: Counter[HeldReason] = field(default_factory=Counter)
    refused: int = 0
    stage_s: dict[Stage, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    _latencies_ms: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_KEPT_LATENCIES))

    @contextmanager
    def timed(self, stage: Stage, clock: Clock) -> Iterator[None]:
        """Add the time that the block takes to `stage`."""
        started_s = clock.monotonic_s()
        try:
            yield
        finally:
            self.stage_s[stage] += clock.monotonic_s() - started_s

    def note_latency(self, latency_ms: float, now_s: float) -> None:
        """Remember how long a frame took from being read to its events being accepted, at this monotonic time."""
        self._latencies_ms.append((now_s, latency_ms))
        while now_s - self._latencies_ms[0][0] > LATELY_S:
            self._latencies_ms.popleft()

    def latency_ms(self, share: float) -> float:
        """Return the latency that `share` (0..1) of the frames of the last `LATELY_S` stayed within.

        0 if there were none yet.
        """
        ordered = sorted(latency_ms for _, latency_ms in self._latencies_ms.copy())
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

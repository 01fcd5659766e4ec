"""What `node.stats` says: how much the cameras' counters grew since the last report."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import structs

from winnow.events.data import (
    CameraStats,
    CertificateEnd,
    CommandAnswer,
    DayBytes,
    LinkUse,
    ModelRef,
    NodeStats,
    SettingsInUse,
    WireBytes,
)
from winnow.pipeline.bandwidth import Accounts
from winnow.pipeline.bandwidth.accounts import CameraAccount
from winnow.pipeline.delivery.wire import SentBytes

PART_BYTES: Final = 12 * 1024
"""Room for cameras and answers in one report: an event may have 16 KiB in all."""


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
        overload_step: how far the camera has stepped back.
        pictures_held: thumbnails held back or made small, by reason.
    """

    frames_decoded: int
    frames_analysed: int
    frames_dropped: Mapping[str, int]
    bytes_in: int
    bytes_out: int
    latency_p50_ms: float
    latency_p95_ms: float
    overload_step: int = 0
    pictures_held: Mapping[str, int] = field(default_factory=dict)


class StatisticsReporter:
    """Turns counters that only grow into what happened since the last report."""

    def __init__(self, model: ModelRef) -> None:
        self._model = model
        self._last: dict[str, CameraCounters] = {}
        self._sent: dict[str | None, SentBytes] = {}

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
        accounts: Accounts | None = None,
        certificates: Sequence[CertificateEnd] = (),
    ) -> NodeStats:
        """Return the growth of every camera's counters since the last call (since the start, at the first one)."""
        stats = []
        for name, now in cameras:
            grown = _growth(name, self._last.get(name), now)
            stats.append(self._with_account(grown, accounts.of(name)) if accounts else grown)
            self._last[name] = now
        return NodeStats(
            period_s=round(period_s, 3),
            cameras=stats,
            spool_depth=spool_depth,
            spool_bytes=spool_bytes,
            model=self._model,
            settings=settings,
            answers=list(answers),
            link=self._link(accounts) if accounts else None,
            certificates=list(certificates),
        )

    def _with_account(self, stats: CameraStats, account: CameraAccount) -> CameraStats:
        day = DayBytes(day=account.day.isoformat(), read=account.today.read, sent=account.today.sent)
        return structs.replace(stats, wire=self._sent_since(stats.camera, account.wire), day=day)

    def _link(self, accounts: Accounts) -> LinkUse:
        return LinkUse(
            own=self._sent_since(None, accounts.of(None).wire),
            day=accounts.day.isoformat(),
            sent=accounts.sent_today(),
            daily_bytes=accounts.budget.limit_bytes,
            pictures=accounts.budget.size,
        )

    def _sent_since(self, camera: str | None, now: SentBytes) -> WireBytes:
        before = self._sent.get(camera, SentBytes())
        self._sent[camera] = now
        return WireBytes(
            events=now.events - before.events,
            thumbnails=now.thumbnails - before.thumbnails,
            resent=now.resent - before.resent,
        )


def parts_of(whole: NodeStats) -> list[NodeStats]:
    """Return reports that together say the same, each small enough for an event.

    The first tells of the settings and the link; every camera and every answer is in exactly one; all of them tell of
    the certificates, because the cloud goes by the newest.
    """
    first = structs.replace(whole, cameras=[], answers=[])
    further = structs.replace(first, settings=None, link=None)
    parts, room = [first], PART_BYTES
    items: list[CommandAnswer | CameraStats] = [*whole.answers, *whole.cameras]
    for item in items:
        size = len(msgspec.json.encode(item)) + len(",")
        if size > room:
            parts.append(further)
            room = PART_BYTES
        room -= size
        parts[-1] = _with(parts[-1], item)
    return parts


def _with(part: NodeStats, item: CameraStats | CommandAnswer) -> NodeStats:
    if isinstance(item, CameraStats):
        return structs.replace(part, cameras=[*part.cameras, item])
    return structs.replace(part, answers=[*part.answers, item])


def _growth(name: str, before: CameraCounters | None, now: CameraCounters) -> CameraStats:
    dropped_before = before.frames_dropped if before else {}
    held_before = before.pictures_held if before else {}
    return CameraStats(
        camera=name,
        frames_decoded=now.frames_decoded - (before.frames_decoded if before else 0),
        frames_analysed=now.frames_analysed - (before.frames_analysed if before else 0),
        frames_dropped={reason: n - dropped_before.get(reason, 0) for reason, n in now.frames_dropped.items()},
        bytes_in=now.bytes_in - (before.bytes_in if before else 0),
        bytes_out=now.bytes_out - (before.bytes_out if before else 0),
        latency_p50_ms=round(now.latency_p50_ms, 1),
        latency_p95_ms=round(now.latency_p95_ms, 1),
        overload_step=now.overload_step,
        pictures_held={reason: n - held_before.get(reason, 0) for reason, n in now.pictures_held.items()},
    )

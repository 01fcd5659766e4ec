"""Counters of one source, written by its decoding thread."""

from collections import Counter
from types import MappingProxyType

from winnow.pipeline.decoder.stats import Connection, Damage, DropReason, SourceStats


class SourceTally:
    """Counters that only grow; every thing that is dropped is counted here, once."""

    def __init__(self) -> None:
        self.bytes_read = 0
        self.frames_decoded = 0
        self.frames_skipped = 0
        self.dropped: Counter[DropReason] = Counter()
        self.corrupt_packets = 0
        self.corrupt_frames = 0
        self.is_truncated = False
        self.skipped_files: list[str] = []
        self.connection: Connection = "connecting"
        self.reconnects = 0
        self.decoder_restarts = 0
        self.last_error: str | None = None
        self.codec: str | None = None

    def drop(self, reason: DropReason, count: int) -> None:
        """Count pictures that are dropped."""
        if count:
            self.dropped[reason] += count

    def snapshot(self) -> SourceStats:
        """Return the counters as they are now."""
        return SourceStats(
            bytes_read=self.bytes_read,
            frames_decoded=self.frames_decoded,
            frames_skipped=self.frames_skipped,
            frames_dropped=MappingProxyType(dict(self.dropped)),
            damage=Damage(
                corrupt_packets=self.corrupt_packets,
                corrupt_frames=self.corrupt_frames,
                is_truncated=self.is_truncated,
                skipped_files=tuple(self.skipped_files),
            ),
            connection=self.connection,
            reconnects=self.reconnects,
            decoder_restarts=self.decoder_restarts,
            last_error=self.last_error,
            codec=self.codec,
        )

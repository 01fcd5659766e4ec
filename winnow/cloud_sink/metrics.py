"""What a sink counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from winnow.cloud_sink.store import Gap, WriteResult

MAX_GAPS_SHOWN: Final = 20
"""One series a gap would be one a message if a disk were lost; the sums tell of the rest."""
LOGIN_REFUSALS: Final = ("password", "too_many", "form", "link")
"""Name or password is wrong; too many tries; a form that is old or another site's; a link that was used."""


class SinkMetrics:
    """Counters and gauges of one sink, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.records = Counter(
            "winnow_sink_records", "Records by what became of them.", ["outcome"], registry=self.registry
        )
        self.refused = Counter(
            "winnow_sink_refused_records", "Records that went to the dead letters.", ["reason"], registry=self.registry
        )
        self.reused_places = Counter(
            "winnow_sink_reused_places",
            "New messages at a place of the sequence that another one has.",
            registry=self.registry,
        )
        self.store_failures = Counter(
            "winnow_sink_store_failures", "Writes that the database did not take.", registry=self.registry
        )
        self.kafka_failures = Counter(
            "winnow_sink_kafka_failures", "Times that the connection to Kafka was given up.", registry=self.registry
        )
        self.lag = Gauge("winnow_sink_lag_records", "Records in Kafka that are not stored yet.", registry=self.registry)
        self.gaps = Gauge("winnow_sink_gaps", "Runs of sequences that are overdue.", registry=self.registry)
        self.missing = Gauge("winnow_sink_missing_sequences", "Sequences that are overdue.", registry=self.registry)
        self.gap = Gauge(
            "winnow_sink_gap_sequences",
            f"How many sequences one gap has; the newest {MAX_GAPS_SHOWN} gaps, for as long as they are open.",
            ["node", "epoch", "first", "last"],
            registry=self.registry,
        )
        self.refused_logins = Counter(
            "winnow_sink_refused_logins",
            "Logins to the page that were refused.",
            ["reason"],
            registry=self.registry,
        )
        for reason in LOGIN_REFUSALS:
            self.refused_logins.labels(reason)
        self._shown: set[tuple[str, str, str, str]] = set()

    def note_write(self, result: WriteResult) -> None:
        """Everything that one write did is counted."""
        self.records.labels("stored").inc(result.stored)
        self.records.labels("duplicate").inc(result.duplicates)
        self.records.labels("refused").inc(result.refused)
        for reason, count in result.refusals.items():
            self.refused.labels(reason).inc(count)
        self.reused_places.inc(sum(one.count for one in result.reused))

    def note_refused_login(self, reason: str) -> None:
        """One login was refused."""
        self.refused_logins.labels(reason).inc()

    def note_gaps(self, gaps: list[Gap]) -> None:
        """The gauges show these gaps."""
        self.gaps.set(len(gaps))
        self.missing.set(sum(gap.count for gap in gaps))
        newest = sorted(gaps, key=lambda gap: (gap.since, gap.first), reverse=True)[:MAX_GAPS_SHOWN]
        shown = {(gap.node, gap.epoch, str(gap.first), str(gap.last)): gap.count for gap in newest}
        for labels, missing in shown.items():
            self.gap.labels(*labels).set(missing)
        for labels in self._shown - shown.keys():
            self.gap.remove(*labels)
        self._shown = set(shown)

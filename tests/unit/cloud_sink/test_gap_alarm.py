"""The alarm tells of each gap once."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from winnow.cloud_sink.gap_alarm import MAX_LINES, GapAlarm, proven
from winnow.cloud_sink.metrics import MAX_GAPS_SHOWN, SinkMetrics
from winnow.cloud_sink.store import Gap, WriteResult

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _gap(first: int, last: int, node: str = "north") -> Gap:
    return Gap(node=node, epoch="e1", first=first, last=last, since=NOON)


def test_alarm_names_node_epoch_and_exact_range(expects_error_log: list[logging.LogRecord]) -> None:
    """An alarm is one ERROR with everything that is needed to look for what is missing."""
    GapAlarm().report([_gap(5, 9)])
    [record] = expects_error_log
    facts = vars(record)
    assert [facts[name] for name in ("node", "epoch", "first", "last", "missing")] == ["north", "e1", 5, 9, 5]


def test_alarm_tells_of_a_gap_once(expects_error_log: list[logging.LogRecord]) -> None:
    """A gap that stays, or what is left of one, is not told of again; another node's same numbers are."""
    alarm = GapAlarm()
    assert alarm.report([_gap(5, 9)]) == [_gap(5, 9)]
    assert alarm.report([_gap(5, 9)]) == []
    assert alarm.report([_gap(5, 6), _gap(8, 9)]) == []
    assert alarm.report([_gap(5, 6), _gap(5, 6, node="south")]) == [_gap(5, 6, node="south")]
    assert len(expects_error_log) == 2


@pytest.mark.usefixtures("expects_error_log")
def test_alarm_tells_when_a_gap_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """A closed gap is told of as INFO, and would be an alarm again if it came back."""
    alarm = GapAlarm()
    alarm.report([_gap(5, 9)])
    with caplog.at_level(logging.INFO):
        alarm.report([])
    assert caplog.records[-1].levelname == "INFO"
    assert alarm.report([_gap(5, 9)]) == [_gap(5, 9)]


def test_alarm_does_not_flood_the_log(expects_error_log: list[logging.LogRecord]) -> None:
    """Very many gaps at once are named up to a limit, and the rest is summed up."""
    GapAlarm().report([_gap(n, n) for n in range(1, 2000, 2)])
    assert len(expects_error_log) == MAX_LINES + 1
    assert vars(expects_error_log[-1])["gaps"] == 1000 - MAX_LINES


def test_gap_is_proven_only_once_the_backlog_is_read() -> None:
    """While a sink works off a backlog nothing is an alarm: what is missing may stand in another topic."""
    gap = _gap(5, 9)
    assert proven([gap], None, 60) == []
    assert proven([gap], NOON + timedelta(seconds=59), 60) == []
    assert proven([gap], NOON + timedelta(seconds=60), 60) == [gap]


def test_metrics_count_writes_and_gaps() -> None:
    """Counters grow by what each write did; gauges show the gaps of now."""
    metrics = SinkMetrics()
    metrics.note_write(WriteResult(stored=3, duplicates=2, refusals={"schema": 1}))
    metrics.note_gaps([_gap(5, 9), _gap(11, 11)])
    sample = metrics.registry.get_sample_value
    assert sample("winnow_sink_records_total", {"outcome": "stored"}) == 3
    assert sample("winnow_sink_records_total", {"outcome": "duplicate"}) == 2
    assert sample("winnow_sink_refused_records_total", {"reason": "schema"}) == 1
    assert (sample("winnow_sink_gaps"), sample("winnow_sink_missing_sequences")) == (2, 6)


def test_metrics_name_each_gap_while_it_is_open() -> None:
    """Node, epoch and exact range are labels; a closed gap has no series any more, and there are never many."""
    metrics = SinkMetrics()

    def named(gap: Gap) -> float | None:
        labels = {"node": gap.node, "epoch": gap.epoch, "first": str(gap.first), "last": str(gap.last)}
        return metrics.registry.get_sample_value("winnow_sink_gap_sequences", labels)

    metrics.note_gaps([_gap(5, 9), _gap(11, 11)])
    assert (named(_gap(5, 9)), named(_gap(11, 11))) == (5, 1)
    metrics.note_gaps([_gap(11, 11)])
    assert (named(_gap(5, 9)), named(_gap(11, 11))) == (None, 1)
    metrics.note_gaps([replace(_gap(number, number), since=NOON + timedelta(number)) for number in range(1, 200, 2)])
    (family,) = (one for one in metrics.registry.collect() if one.name == "winnow_sink_gap_sequences")
    assert {int(sample.labels["first"]) for sample in family.samples} == set(range(201 - 2 * MAX_GAPS_SHOWN, 200, 2))

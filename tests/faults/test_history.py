"""The verdict: it is silent about a good run, and names whatever breaks an invariant or proves nothing."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec.structs import replace as changed

from tests.end_to_end.contents import Contents
from tests.faults.bounds import Use
from tests.faults.check import main
from tests.faults.history import (
    Began,
    Drained,
    Fact,
    Fresh,
    History,
    Struck,
    Used,
    Verdict,
    judge,
    read_history,
    write_history,
)
from tests.faults.journal import Entry, Journal, JournalWriter, entry_of
from tests.faults.oracle import Findings
from tests.faults.summary import histories_in, summary_of, table
from tests.faults.test_oracle import EPOCH, JOURNAL, MESSAGES, ROWS

USE = Use(memory_bytes=50_000_000, fds=20, threads=5)
GOOD: tuple[Fact, ...] = (
    Began(scenario="kills", node="shop-1", seed=7),
    Struck(fault="kill", part="edge", at_s=1.0, evidence={"pid gone": 1.0}),
    Fresh(after_s={"sqlite": 0.5}),
    Drained(backlog=3000, took_s=5.0, live_per_s=50.0),
    Used(part="gateway", before=USE, after=USE),
)


@pytest.fixture
def journal_path(tmp_path: Path) -> Path:
    """Return a journal in which every message was issued and accepted."""
    path = tmp_path / "journal.jsonl"
    writer = JournalWriter(path)
    writer.write("issued", 0, MESSAGES)
    writer.write("accepted", 0, MESSAGES)
    return path


def written(journal_path: Path, facts: tuple[Fact, ...], contents: Contents) -> Path:
    """Return the history of these."""
    path = journal_path.with_name("made-up.jsonl")
    write_history(path, journal=journal_path, facts=facts, contents={"sqlite": contents})
    return path


def test_good_run_has_nothing_against_it(journal_path: Path) -> None:
    """What was written comes back, and the verdict on it is empty."""
    history = read_history(written(journal_path, GOOD, Contents(rows=ROWS)))
    assert history.journal.accepted == tuple(entry_of("accepted", 0, message) for message in MESSAGES)
    assert judge(history) == Verdict()


def test_lost_row_is_found_again_from_the_file(journal_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends with 1 and names store and place; on a good history with 0."""
    path = written(journal_path, GOOD, Contents(rows=ROWS[1:]))
    assert judge(read_history(path)).stores == {"sqlite": Findings(lost=((EPOCH, 1),), skipped=((EPOCH, 1),))}
    assert main([str(path)]) == 1
    told = capsys.readouterr().out
    assert f"lost=(('{EPOCH}', 1),)" in told
    assert "| lost, doubled, skipped, altered or invented | 1, 0, 1, 0 |" in told
    assert main([str(written(journal_path, GOOD, Contents(rows=ROWS)))]) == 0


def test_dead_letter_is_read_back(journal_path: Path) -> None:
    """A refused message is no loss from the file either."""
    refused = MESSAGES[1].jpeg  # type: ignore[union-attr]
    contents = Contents(rows=(ROWS[0], *ROWS[2:]), refused=(refused,))
    assert judge(read_history(written(journal_path, GOOD, contents))).stores["sqlite"].lost == ()


@pytest.mark.parametrize(
    ("position", "fact", "expected"),
    [
        pytest.param(
            1,
            Struck(fault="kill", part="edge", at_s=1.0, evidence={"pid gone": 0.0}),
            Verdict(unproven=("kill of edge",)),
            id="fault-without-effect",
        ),
        pytest.param(
            1,
            Struck(fault="cut", part="edge", at_s=1.0, evidence={}),
            Verdict(unproven=("cut of edge",)),
            id="fault-without-evidence",
        ),
        pytest.param(
            2, Fresh(after_s={"sqlite": 10.5}), Verdict(late=("sqlite: fresh after 10.5 s",)), id="late-fresh-event"
        ),
        pytest.param(
            3,
            Drained(backlog=3000, took_s=30.0, live_per_s=50.0),
            Verdict(late=("backlog of 3000 in 30.0 s while 50.0 a second came",)),
            id="slow-backlog",
        ),
        pytest.param(
            4,
            Used(part="gateway", before=USE, after=changed(USE, threads=40)),
            Verdict(grown=("gateway: 35 threads",)),
            id="threads",
        ),
        pytest.param(
            4,
            Used(part="gateway", before=USE, after=changed(USE, memory_bytes=200_000_000)),
            Verdict(grown=("gateway: 150000000 bytes",)),
            id="memory",
        ),
    ],
)
def test_broken_invariant_is_named(journal_path: Path, position: int, fact: Fact, expected: Verdict) -> None:
    """One wrong fact, one line of the verdict."""
    facts = (*GOOD[:position], fact, *GOOD[position + 1 :])
    assert judge(read_history(written(journal_path, facts, Contents(rows=ROWS)))) == expected


def test_run_that_did_nothing_proves_nothing() -> None:
    """No message, no store, no fault and no fresh event are told, not taken for success."""
    nothing: tuple[Entry, ...] = ()
    assert len(judge(History(journal=Journal(issued=nothing, accepted=nothing), facts=())).empty) == 4
    assert judge(History(journal=replace(JOURNAL), facts=GOOD)).empty == ("no store was read",)


def test_summary_adds_up_what_the_runs_say(journal_path: Path) -> None:
    """Kills by process, times after healing, what is wrong, and the figures of other tests, in a table too."""
    good = read_history(written(journal_path, GOOD, Contents(rows=ROWS)))
    bad = read_history(written(journal_path, GOOD, Contents(rows=ROWS[1:])))
    summary = summary_of({"good": good, "bad": bad}, {"test_cuts0": {"power_cuts": 3}})
    assert (summary.runs, summary.accepted) == (2, 2 * len(MESSAGES))
    assert (summary.lost, summary.skipped, summary.doubled) == (1, 1, 0)
    assert (summary.kills, summary.wipes, summary.stops) == ({"edge": 2}, 0, {})
    assert (summary.fresh_s, summary.drain_factors, summary.seeds) == ((0.5, 0.5), (13.0, 13.0), (7,))
    assert list(summary.broken) == ["bad"]
    assert "| test_cuts0 | power cuts 3 |" in table(summary)
    assert "| lost, doubled, skipped, altered or invented | 1, 0, 1, 0 |" in table(summary)


def test_histories_are_found_once_and_planted_ones_are_not() -> None:
    """Links to a folder, and runs that are to be red, do not count."""
    with TemporaryDirectory() as made:  # not where the summary of this very session looks
        folder = Path(made)
        for name in ("one/history.jsonl", "two/deeper/history.jsonl", "three/planted.jsonl"):
            (folder / name).parent.mkdir(parents=True)
            (folder / name).touch()
        (folder / "current").symlink_to(folder / "one")
        assert [path.parent.name for path in histories_in([folder])] == ["one", "deeper"]

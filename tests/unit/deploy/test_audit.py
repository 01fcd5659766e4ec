"""An audit passes only if every dependency was asked about and none is affected."""

import json
from pathlib import Path

import pytest

from scripts.audit.__main__ import AFFECTED, LOCK, NOT_ASKED, ROOT, verdict, without_good_news

CLEAN = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found and could not be audited: b (2)"}
VULNERABLE = {"name": "c", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4"]}]}


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([CLEAN], 0),
        ([CLEAN, SKIPPED], NOT_ASKED),
        ([SKIPPED], NOT_ASKED),
        ([], NOT_ASKED),
        ([CLEAN, VULNERABLE], AFFECTED),
        ([SKIPPED, VULNERABLE], AFFECTED),
    ],
)
def test_verdict_counts_what_was_not_asked_about(entries: list[object], code: int) -> None:
    """pip-audit itself reports "no known vulnerabilities" when its service knew no dependency at all."""
    assert verdict(json.dumps({"dependencies": entries, "fixes": []}))[0] == code


def test_nobody_reads_of_success_where_nothing_was_asked() -> None:
    """pip-audit's own last line would contradict the failure; what went wrong stays."""
    said = "WARNING: Retrying\nNo known vulnerabilities found\nName  Skip Reason\n"
    assert without_good_news(said) == "WARNING: Retrying\nName  Skip Reason"


@pytest.mark.parametrize("report", ["", "Traceback", "[]", "null", "{}"])
def test_no_answer_at_all_is_a_failure(report: str) -> None:
    """A service that cannot be reached leaves no report: the audit fails and says so."""
    code, said = verdict(report)
    assert code == NOT_ASKED
    assert "told nothing" in said[0]


def test_finding_names_dependency_flaw_and_remedy() -> None:
    """A person reads what to update to."""
    assert verdict(json.dumps({"dependencies": [VULNERABLE]}))[1][0] == "c 3: PYSEC-1, fixed in 4"


@pytest.mark.parametrize("lock", [LOCK, ROOT / "scripts" / "audit" / "requirements.lock"])
def test_every_locked_dependency_has_hashes(lock: Path) -> None:
    """What is installed, also for the audit itself, is what was locked, byte for byte."""
    lines = lock.read_text(encoding="utf-8").splitlines()
    pinned = [number for number, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
    assert len(pinned) > 20
    assert all("--hash=sha256:" in lines[number + 1] for number in pinned)

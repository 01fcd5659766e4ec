"""Draw the verdict of runs again from their histories: `python -m tests.faults.check history.jsonl…`."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.history import Fresh, History, Struck, Verdict, judge, read_history


def main(paths: Sequence[str]) -> int:
    """Print a line for each history and whatever is wrong, then the sums; return 1 if anything is wrong."""
    unique = sorted({Path(path).resolve() for path in paths})  # pytest has a link `…current` to the last of each test
    histories = {str(path): read_history(path) for path in unique}
    verdicts = {path: judge(history) for path, history in histories.items()}
    for path, history in histories.items():
        held = {name: len(holdings.rows) for name, holdings in history.stores().items()}
        print(f"{path}: {len(history.journal.accepted)} accepted, stored {held}")  # noqa: T201
        if verdicts[path] != Verdict():
            print(f"  {verdicts[path]}")  # noqa: T201
    print(sums(list(histories.values()), list(verdicts.values())))  # noqa: T201
    return int(any(verdict != Verdict() for verdict in verdicts.values()))


def sums(histories: Sequence[History], verdicts: Sequence[Verdict]) -> str:
    """Return what all runs have in common, in one line."""
    facts = [fact for history in histories for fact in history.facts]
    faults = Counter(fact.fault for fact in facts if isinstance(fact, Struck))
    fresh_s = [after_s for fact in facts if isinstance(fact, Fresh) for after_s in fact.after_s.values()]
    found = [findings for verdict in verdicts for findings in verdict.stores.values()]
    counts = {
        "accepted": sum(len(history.journal.accepted) for history in histories),
        "lost": sum(len(findings.lost) for findings in found),
        "doubled": sum(len(findings.doubled) for findings in found),
        "skipped": sum(len(findings.skipped) for findings in found),
        "altered or invented": sum(len(findings.altered + findings.invented) for findings in found),
        **{f"{name} (faults)": number for name, number in sorted(faults.items())},
        "slowest fresh event, s": max(fresh_s, default=0.0),
    }
    return f"{len(histories)} runs: " + ", ".join(f"{number} {name}" for name, number in counts.items())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

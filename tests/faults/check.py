"""Draw the verdict of a run again from its history: `python -m tests.faults.check history.jsonl`."""

import sys
from pathlib import Path

from tests.faults.history import Struck, Verdict, judge, read_history


def main(paths: list[str]) -> int:
    """Print a line for each history and whatever is wrong; return 1 if anything is."""
    worst = 0
    for path in paths:
        history = read_history(Path(path))
        verdict = judge(history)
        faults = sum(isinstance(fact, Struck) for fact in history.facts)
        held = {name: len(holdings.rows) for name, holdings in history.stores().items()}
        print(f"{path}: {len(history.journal.accepted)} accepted, stored {held}, {faults} faults")  # noqa: T201
        if verdict != Verdict():
            worst = 1
            print(f"  {verdict}")  # noqa: T201
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Draw the verdict of runs again from their histories: `python -m tests.faults.check build/faults/runs`, or files."""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.faults.history import Verdict, judge, read_history
from tests.faults.summary import figures_in, histories_in, summary_of, table


def main(paths: Sequence[str]) -> int:
    """Print a line for each history and whatever is wrong, then the sums; return 1 if anything is wrong."""
    asked = [Path(path) for path in paths]
    histories = {str(path): read_history(path) for path in histories_in(asked)}
    for path, history in histories.items():
        held = {name: len(holdings.rows) for name, holdings in history.stores().items()}
        print(f"{path}: {len(history.journal.accepted)} accepted, stored {held}")  # noqa: T201
        if (verdict := judge(history)) != Verdict():
            print(f"  {verdict}")  # noqa: T201
    summary = summary_of(histories, figures_in(asked))
    print(table(summary))  # noqa: T201
    return int(bool(summary.broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

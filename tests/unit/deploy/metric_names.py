"""The metrics that docs/metrics.md documents."""

import re
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[3] / "docs" / "metrics.md"


def documented_metrics() -> set[str]:
    """Return every metric that stands in the first column of a table."""
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row)}

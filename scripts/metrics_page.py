"""Writes the cameras' table of docs/metrics.md from the metrics themselves: `python -m scripts.metrics_page`.

A test compares the two.
"""

import re
from pathlib import Path
from typing import Final

from winnow.pipeline.edge_metrics import CAMERA_METRICS, CameraMetric

PAGE: Final = Path(__file__).parent.parent / "docs" / "metrics.md"
_TABLE: Final = re.compile(r"(?<=\n## Cameras\n)(.*?\n\| --- \| --- \| --- \|\n)(?:\|[^\n]*\n)*", re.DOTALL)


def text(page: str) -> str:
    """Return the page with the table as it should be."""
    rows = "".join(map(_row, CAMERA_METRICS))
    return _TABLE.sub(lambda match: match[1] + rows, page, count=1)


def _row(metric: CameraMetric) -> str:
    name = metric.name + ("_total" if metric.kind == "counter" else "")
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    meaning = metric.text.rstrip(".")
    return f"| `{name}` |{f' {labels} ' if labels else ' '}| {meaning[0].lower()}{meaning[1:]} |\n"


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")

"""Panels, and the dashboards that they make, as Grafana imports them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent.parent / "deploy" / "grafana"
SCHEMA_VERSION: Final = 39
"""Grafana 10.3 and later read it as it is."""

WIDTH: Final = 24
"""Columns of Grafana's grid."""

NODE: Final = 'instance=~"$instance"'

Rows = Sequence[tuple[str, Sequence["Panel"], int]]
"""Title, panels and height of each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel.

    Attributes:
        title: what it shows.
        queries: PromQL and legend of each line.
        unit: Grafana's name of it.
        is_stat: one large figure instead of a curve.
        description: shown when one points at the title.
    """

    title: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    is_stat: bool = False
    description: str = ""


def total(metric: str, selector: str = NODE) -> str:
    """Return PromQL for the sum over all series."""
    return f"sum({metric}{{{selector}}})"


def rate(metric: str, selector: str = NODE, by: str = "") -> str:
    """Return PromQL for what is added a second; `by` begins with a space, as in ` by (topic) `."""
    return f"sum{by}(rate({metric}{{{selector}}}[$__rate_interval]))"


def increase(metric: str, by: str) -> str:
    """Return PromQL for what was added between two points of a curve, by labels."""
    return f"sum by ({by}) (increase({metric}{{{NODE}}}[$__rate_interval]))"


def dashboard(name: str, rows: Rows, variables: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """Return a dashboard.

    Args:
        name: `edge`, `gateway` or `sink`.
        rows: from top to bottom.
        variables: name, label and query of each thing that a person may choose, in the order in which they are asked.
    """
    return {
        "title": f"Winnow {name}",
        "uid": f"winnow-{name}",
        "tags": ["winnow"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                *(_variable(*variable) for variable in variables),
            ]
        },
        "annotations": {"list": []},
        "panels": list(_panels(rows)),
    }


def text_of(dashboard: dict[str, Any]) -> str:
    """Return a dashboard's file."""
    return json.dumps(dashboard, indent=1) + "\n"


def file_of(dashboard: dict[str, Any]) -> Path:
    """Return where a dashboard is kept."""
    return FOLDER / f"{dashboard['uid']}.json"


def process_panels() -> tuple[Panel, ...]:
    """Return what every process tells of itself: processor, memory, open files, certificates."""
    return (
        Panel(
            title="Processor",
            queries=[("rate(process_cpu_seconds_total{" + NODE + "}[$__rate_interval])", "{{instance}}")],
            unit="percentunit",
            description="1 is one core.",
        ),
        Panel(
            title="Memory",
            queries=[("process_resident_memory_bytes{" + NODE + "}", "{{instance}}")],
            unit="bytes",
        ),
        Panel(title="Open files", queries=[("process_open_fds{" + NODE + "}", "{{instance}}")]),
        CERTIFICATES,
    )


CERTIFICATES: Final = Panel(
    title="Certificates end in",
    queries=[
        (
            "winnow_certificate_not_after_timestamp_seconds{" + NODE + "} - time()",
            "{{connection}} {{whose}}: {{instance}}",
        )
    ],
    unit="s",
    description="The process's own, and those that servers have shown.",
)


def _variable(name: str, label: str, asked: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": {"query": asked, "refId": name},
        "definition": asked,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(rows: Rows) -> Iterator[dict[str, Any]]:
    number, y = 1, 0
    for title, panels, height in rows:
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": _at(0, y, WIDTH, 1),
        }
        number, y = number + 1, y + 1
        width = WIDTH // 6 if height == 4 else WIDTH // 3  # noqa: PLR2004 - figures are small, curves are wide
        a_line = WIDTH // width
        for index, panel in enumerate(panels):
            x, line = index % a_line * width, index // a_line
            yield _panel(number, panel, _at(x, y + line * height, width, height))
            number += 1
        y += -(-len(panels) // a_line) * height


def _at(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "stat" if panel.is_stat else "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(panel.queries)
        ],
    }

"""Writes the Grafana dashboard of the edge: an overview by hand, and a panel for every metric that a camera has.

`python -m scripts.grafana_dashboard` writes `deploy/grafana/winnow-edge.json`; a test compares the two.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from winnow.pipeline.edge_metrics import CAMERA_METRICS, CameraMetric

DASHBOARD: Final = Path(__file__).parent.parent / "deploy" / "grafana" / "winnow-edge.json"
SCHEMA_VERSION: Final = 39
"""Grafana 10.3 and later read it as it is."""

WIDTH: Final = 24
"""Columns of Grafana's grid."""

NODE: Final = 'instance=~"$instance"'
CAMERA: Final = f'{NODE}, camera=~"$camera"'


CAMERA_OR_BOX: Final = f'{NODE}, camera=~"$camera|-"'
"""Also what the box sends of itself."""

READ: Final = ', direction="read"'
SENT: Final = ', direction="sent"'


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


def _sum(metric: str, selector: str = NODE) -> str:
    return f"sum({metric}{{{selector}}})"


def _rate(metric: str, selector: str = NODE, by: str = "") -> str:
    return f"sum{by}(rate({metric}{{{selector}}}[$__rate_interval]))"


def _increase(metric: str, by: str) -> str:
    return f"sum by ({by}) (increase({metric}{{{NODE}}}[$__rate_interval]))"


OVERVIEW: Final = (
    Panel(
        title="Cameras online",
        queries=[(_sum("winnow_camera_online", CAMERA), "online")],
        is_stat=True,
    ),
    Panel(
        title="Cameras degraded",
        queries=[(_sum("winnow_camera_degraded", CAMERA), "degraded")],
        is_stat=True,
    ),
    Panel(
        title="Events a minute",
        queries=[(f"60 * {_rate('winnow_events_accepted_total', CAMERA)}", "events")],
        is_stat=True,
    ),
    Panel(
        title="Times less than video",
        queries=[
            (f"{_rate('winnow_stream_bytes_total', CAMERA)} / {_rate('winnow_message_bytes_total', CAMERA)}", "factor")
        ],
        is_stat=True,
        description="Compressed video read, divided by events and thumbnails accepted.",
    ),
    Panel(title="Messages waiting", queries=[(_sum("winnow_spool_depth_messages"), "waiting")], is_stat=True),
    Panel(title="Broker", queries=[("min(winnow_broker_connected{" + NODE + "})", "1 is connected")], is_stat=True),
)

DELIVERY: Final = (
    Panel(
        title="Messages accepted and receipted",
        queries=[
            (_rate("winnow_accepted_messages_total"), "accepted"),
            (_rate("winnow_published_messages_total"), "published"),
            (_rate("winnow_republished_messages_total"), "published again"),
            (_rate("winnow_receipted_messages_total"), "receipted"),
        ],
        unit="mps",
    ),
    Panel(
        title="Spool",
        queries=[("winnow_spool_size_bytes{" + NODE + "}", "{{instance}}")],
        unit="bytes",
    ),
    Panel(
        title="Messages lost or refused",
        queries=[
            (_rate("winnow_dropped_messages_total", by=" by (reason) "), "given up: {{reason}}"),
            (_rate("winnow_refused_messages_total", by=" by (reason) "), "refused: {{reason}}"),
        ],
        unit="mps",
        description="Given up for want of space: each is named by a tombstone, or by an ERROR in the log.",
    ),
    Panel(
        title="Messages that wait for the disk",
        queries=[("winnow_unaccepted_messages{" + NODE + "}", "{{instance}}")],
    ),
    Panel(title="Bytes sent", queries=[(_rate("winnow_sent_bytes_total"), "sent")], unit="Bps"),
    Panel(
        title="Connections to the broker after the first",
        queries=[("increase(winnow_broker_reconnects_total{" + NODE + "}[$__rate_interval])", "{{instance}}")],
    ),
)

BANDWIDTH: Final = (
    Panel(
        title="Bytes on the wire (a second)",
        queries=[(_rate("winnow_wire_bytes_total", CAMERA_OR_BOX, " by (camera, what) "), "{{camera}} {{what}}")],
        unit="Bps",
    ),
    Panel(
        title="Sent today",
        queries=[
            (f"winnow_day_bytes{{{CAMERA_OR_BOX}{SENT}}}", "{{camera}}"),
            (f"winnow_day_limit_bytes{{{NODE}}} > 0", "limit"),
        ],
        unit="bytes",
    ),
    Panel(
        title="Read for each byte sent, today",
        queries=[
            (
                f"{_sum('winnow_day_bytes', CAMERA_OR_BOX + READ)} / {_sum('winnow_day_bytes', CAMERA_OR_BOX + SENT)}",
                "factor",
            )
        ],
    ),
    Panel(
        title="Size that pictures may have",
        queries=[(f"winnow_pictures_allowed{{{NODE}}} == 1", "{{size}}: {{instance}}")],
    ),
)

BOX: Final = (
    Panel(
        title="Processor",
        queries=[
            ("rate(process_cpu_seconds_total{" + NODE + "}[$__rate_interval])", "{{instance}}"),
            ("rate(winnow_decoder_cpu_seconds_total{" + NODE + "}[$__rate_interval])", "{{instance}}: decoders"),
        ],
        unit="percentunit",
        description="1 is one core. Cameras' decoders are processes of their own and not in it.",
    ),
    Panel(
        title="Memory",
        queries=[
            ("process_resident_memory_bytes{" + NODE + "}", "{{instance}}"),
            ("winnow_decoder_resident_memory_bytes{" + NODE + "}", "{{instance}}: decoders"),
        ],
        unit="bytes",
    ),
    Panel(
        title="Settings read",
        queries=[
            (
                "sum by (outcome) (increase(winnow_settings_reloads_total{" + NODE + "}[$__rate_interval]))",
                "{{outcome}}",
            ),
            ("winnow_settings_refused{" + NODE + "}", "file is wrong: {{instance}}"),
            ("winnow_settings_need_restart{" + NODE + "}", "keys that wait for a restart: {{instance}}"),
        ],
    ),
    Panel(
        title="Settings in use for",
        queries=[("time() - winnow_settings_taken_over_timestamp_seconds{" + NODE + "}", "{{instance}}")],
        unit="s",
    ),
    Panel(
        title="Commands",
        queries=[
            (_increase("winnow_commands_total", "command, outcome"), "{{command}} {{outcome}}"),
        ],
    ),
    Panel(
        title="Certificates end in",
        queries=[("winnow_certificate_not_after_timestamp_seconds{" + NODE + "} - time()", "{{instance}}: {{whose}}")],
        unit="s",
        description="The box's own, and the one that the broker has shown.",
    ),
    Panel(title="Version", queries=[("winnow_build_info{" + NODE + "}", "{{version}}: {{instance}}")]),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    rows = (
        ("Overview", OVERVIEW, 4),
        ("Cameras", tuple(map(_of_camera, CAMERA_METRICS)), 8),
        ("Delivery", DELIVERY, 8),
        ("Bandwidth", BANDWIDTH, 8),
        ("Box", BOX, 8),
    )
    return {
        "title": "Winnow edge",
        "uid": "winnow-edge",
        "tags": ["winnow"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": list(_panels(rows)),
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(dashboard(), indent=1) + "\n"


def _of_camera(metric: CameraMetric) -> Panel:
    """Return the panel of a camera's metric: what happens a second, or what is."""
    legend = " ".join(f"{{{{{label}}}}}" for label in ("camera", *metric.labels))
    if metric.kind == "counter":
        name, unit = f"{metric.name}_total", "Bps" if metric.name.endswith("_bytes") else "short"
        by = f" by ({', '.join(('camera', *metric.labels))}) "
        query = _rate(name, CAMERA, by)
        title = f"{metric.text.rstrip('.')} (a second)"
    else:
        unit = next(
            (unit for end, unit in (("_seconds", "s"), ("_bytes", "bytes")) if metric.name.endswith(end)), "short"
        )
        query, title = f"{metric.name}{{{CAMERA}}}", metric.text.rstrip(".")
    return Panel(title=title, queries=[(query, legend)], unit=unit, description=metric.name)


def _variables() -> list[dict[str, Any]]:
    source = {"type": "prometheus", "uid": "${datasource}"}

    def query(name: str, label: str, asked: str) -> dict[str, Any]:
        return {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": source,
            "query": {"query": asked, "refId": name},
            "definition": asked,
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        }

    return [
        {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        query("instance", "Box", "label_values(winnow_build_info, instance)"),
        query("camera", "Camera", f"label_values(winnow_camera_online{{{NODE}}}, camera)"),
    ]


def _panels(rows: Sequence[tuple[str, Sequence[Panel], int]]) -> Iterator[dict[str, Any]]:
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


if __name__ == "__main__":
    DASHBOARD.write_text(text(), encoding="utf-8")

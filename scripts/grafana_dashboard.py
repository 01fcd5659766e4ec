"""Writes the Grafana dashboards of edge, gateway and sink: `python -m scripts.grafana_dashboard`.

The edge's is an overview by hand, and a panel for every metric that a camera has. A test compares the files in
`deploy/grafana/` with what is written here, and their metrics with those that the processes serve.
"""

from typing import Any, Final

from scripts.grafana_cloud import gateway_dashboard, sink_dashboard
from scripts.grafana_panels import CERTIFICATES, NODE, Panel, dashboard, file_of, increase, rate, text_of, total
from winnow.pipeline.edge_metrics import CAMERA_METRICS, CameraMetric

CAMERA: Final = f'{NODE}, camera=~"$camera"'

CAMERA_OR_BOX: Final = f'{NODE}, camera=~"$camera|-"'
"""Also what the box sends of itself."""

READ: Final = ', direction="read"'
SENT: Final = ', direction="sent"'


OVERVIEW: Final = (
    Panel(
        title="Cameras online",
        queries=[(total("winnow_camera_online", CAMERA), "online")],
        is_stat=True,
    ),
    Panel(
        title="Cameras degraded",
        queries=[(total("winnow_camera_degraded", CAMERA), "degraded")],
        is_stat=True,
    ),
    Panel(
        title="Events a minute",
        queries=[(f"60 * {rate('winnow_events_accepted_total', CAMERA)}", "events")],
        is_stat=True,
    ),
    Panel(
        title="Times less than video",
        queries=[
            (f"{rate('winnow_stream_bytes_total', CAMERA)} / {rate('winnow_message_bytes_total', CAMERA)}", "factor")
        ],
        is_stat=True,
        description="Compressed video read, divided by events and thumbnails accepted.",
    ),
    Panel(title="Messages waiting", queries=[(total("winnow_spool_depth_messages"), "waiting")], is_stat=True),
    Panel(title="Broker", queries=[("min(winnow_broker_connected{" + NODE + "})", "1 is connected")], is_stat=True),
)

DELIVERY: Final = (
    Panel(
        title="Messages accepted and receipted",
        queries=[
            (rate("winnow_accepted_messages_total"), "accepted"),
            (rate("winnow_published_messages_total"), "published"),
            (rate("winnow_republished_messages_total"), "published again"),
            (rate("winnow_receipted_messages_total"), "receipted"),
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
            (rate("winnow_dropped_messages_total", by=" by (reason) "), "given up: {{reason}}"),
            (rate("winnow_refused_messages_total", by=" by (reason) "), "refused: {{reason}}"),
        ],
        unit="mps",
        description="Given up for want of space: each is named by a tombstone, or by an ERROR in the log.",
    ),
    Panel(
        title="Messages that wait for the disk",
        queries=[("winnow_unaccepted_messages{" + NODE + "}", "{{instance}}")],
    ),
    Panel(title="Bytes sent", queries=[(rate("winnow_sent_bytes_total"), "sent")], unit="Bps"),
    Panel(
        title="Connections to the broker after the first",
        queries=[("increase(winnow_broker_reconnects_total{" + NODE + "}[$__rate_interval])", "{{instance}}")],
    ),
)

BANDWIDTH: Final = (
    Panel(
        title="Bytes on the wire (a second)",
        queries=[(rate("winnow_wire_bytes_total", CAMERA_OR_BOX, " by (camera, what) "), "{{camera}} {{what}}")],
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
                " / ".join(total("winnow_day_bytes", CAMERA_OR_BOX + direction) for direction in (READ, SENT)),
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
            (increase("winnow_commands_total", "command, outcome"), "{{command}} {{outcome}}"),
        ],
    ),
    CERTIFICATES,
    Panel(title="Version", queries=[("winnow_build_info{" + NODE + "}", "{{version}}: {{instance}}")]),
)


def dashboards() -> list[dict[str, Any]]:
    """Return every dashboard."""
    return [edge_dashboard(), gateway_dashboard(), sink_dashboard()]


def edge_dashboard() -> dict[str, Any]:
    """Return the dashboard of boxes and their cameras."""
    rows = (
        ("Overview", OVERVIEW, 4),
        ("Cameras", tuple(map(_of_camera, CAMERA_METRICS)), 8),
        ("Delivery", DELIVERY, 8),
        ("Bandwidth", BANDWIDTH, 8),
        ("Box", BOX, 8),
    )
    variables = (
        ("instance", "Box", "label_values(winnow_build_info, instance)"),
        ("camera", "Camera", f"label_values(winnow_camera_online{{{NODE}}}, camera)"),
    )
    return dashboard("edge", rows, variables)


def _of_camera(metric: CameraMetric) -> Panel:
    """Return the panel of a camera's metric: what happens a second, or what is."""
    legend = " ".join(f"{{{{{label}}}}}" for label in ("camera", *metric.labels))
    if metric.kind == "counter":
        name, unit = f"{metric.name}_total", "Bps" if metric.name.endswith("_bytes") else "short"
        by = f" by ({', '.join(('camera', *metric.labels))}) "
        query = rate(name, CAMERA, by)
        title = f"{metric.text.rstrip('.')} (a second)"
    else:
        unit = next(
            (unit for end, unit in (("_seconds", "s"), ("_bytes", "bytes")) if metric.name.endswith(end)), "short"
        )
        query, title = f"{metric.name}{{{CAMERA}}}", metric.text.rstrip(".")
    return Panel(title=title, queries=[(query, legend)], unit=unit, description=metric.name)


if __name__ == "__main__":
    for written in dashboards():
        file_of(written).write_text(text_of(written), encoding="utf-8")

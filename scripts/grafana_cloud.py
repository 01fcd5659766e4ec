"""The Grafana dashboards of gateway and sink."""

from typing import Any, Final

from scripts.grafana_panels import NODE, Panel, dashboard, increase, process_panels, rate, total

GATEWAY: Final = (
    Panel(
        title="Messages a second", queries=[(rate("winnow_gateway_received_messages_total"), "received")], is_stat=True
    ),
    Panel(
        title="Records stored a second", queries=[(rate("winnow_gateway_stored_records_total"), "stored")], is_stat=True
    ),
    Panel(
        title="Somebody speaks for another, last hour",
        queries=[(f"sum(increase(winnow_gateway_identity_mismatches_total{{{NODE}}}[1h]))", "mismatches")],
        is_stat=True,
        description="An attack, or a broker without rules. See docs/security.md.",
    ),
    Panel(
        title="Batches not confirmed, last hour",
        queries=[(f"sum(increase(winnow_gateway_destination_retries_total{{{NODE}}}[1h]))", "retries")],
        is_stat=True,
    ),
    Panel(
        title="Batch confirmed in, 95 of 100",
        queries=[
            (
                f"histogram_quantile(0.95, {rate('winnow_gateway_store_seconds_bucket', by=' by (le) ')})",
                "seconds",
            )
        ],
        unit="s",
        is_stat=True,
    ),
)

GATEWAY_MESSAGES: Final = (
    Panel(
        title="Messages",
        queries=[
            (rate("winnow_gateway_received_messages_total"), "received"),
            (rate("winnow_gateway_receipts_total"), "receipts"),
            (rate("winnow_gateway_dropped_messages_total"), "QoS 0, dropped"),
        ],
        unit="mps",
    ),
    Panel(
        title="Records confirmed, by topic",
        queries=[(rate("winnow_gateway_stored_records_total", by=" by (topic) "), "{{topic}}")],
    ),
    Panel(
        title="Dead letters, by reason",
        queries=[
            (increase("winnow_gateway_refused_messages_total", "reason"), "{{reason}}"),
            (increase("winnow_gateway_identity_mismatches_total", "instance"), "identity: {{instance}}"),
            (increase("winnow_gateway_reused_places_total", "instance"), "number used twice: {{instance}}"),
        ],
    ),
    Panel(
        title="Messages in a batch, on average",
        queries=[
            (
                f"{rate('winnow_gateway_batch_messages_sum')} / {rate('winnow_gateway_batch_messages_count')}",
                "messages",
            )
        ],
    ),
    Panel(
        title="Until a batch is confirmed",
        queries=[
            (f"histogram_quantile({quantile}, {rate('winnow_gateway_store_seconds_bucket', by=' by (le) ')})", said)
            for quantile, said in ((0.5, "median"), (0.95, "95 of 100"))
        ],
        unit="s",
    ),
    Panel(
        title="Connections and retries",
        queries=[
            (increase("winnow_gateway_connections_total", "instance"), "connections to the broker: {{instance}}"),
            (increase("winnow_gateway_destination_retries_total", "instance"), "batches again: {{instance}}"),
        ],
    ),
)

SINK: Final = (
    Panel(
        title="Records stored a second",
        queries=[
            (rate("winnow_sink_records_total", f'{NODE}, outcome="stored"'), "stored"),
        ],
        is_stat=True,
    ),
    Panel(title="Records that wait in Kafka", queries=[(total("winnow_sink_lag_records"), "waiting")], is_stat=True),
    Panel(title="Gaps", queries=[(f"max(winnow_sink_gaps{{{NODE}}})", "gaps")], is_stat=True),
    Panel(
        title="Messages missing",
        queries=[(f"max(winnow_sink_missing_sequences{{{NODE}}})", "missing")],
        is_stat=True,
        description="Accepted by an edge, and neither stored nor given up by name.",
    ),
    Panel(
        title="Logins refused, last hour",
        queries=[(f"sum(increase(winnow_sink_refused_logins_total{{{NODE}}}[1h]))", "refused")],
        is_stat=True,
    ),
)

SINK_RECORDS: Final = (
    Panel(
        title="Records, by what became of them",
        queries=[(rate("winnow_sink_records_total", by=" by (outcome) "), "{{outcome}}")],
    ),
    Panel(
        title="Dead letters, by reason",
        queries=[
            (increase("winnow_sink_refused_records_total", "reason"), "{{reason}}"),
            (increase("winnow_sink_reused_places_total", "instance"), "number used twice: {{instance}}"),
        ],
    ),
    Panel(title="Records that wait in Kafka", queries=[("winnow_sink_lag_records{" + NODE + "}", "{{instance}}")]),
    Panel(
        title="Each gap",
        queries=[("winnow_sink_gap_sequences{" + NODE + "}", "{{node}} {{epoch}}: {{first}} to {{last}}")],
        description="How many messages are missing; the newest 20 gaps.",
    ),
    Panel(
        title="Kafka and database",
        queries=[
            (increase("winnow_sink_store_failures_total", "instance"), "writes that failed: {{instance}}"),
            (increase("winnow_sink_kafka_failures_total", "instance"), "Kafka given up: {{instance}}"),
        ],
    ),
    Panel(
        title="Logins refused, by reason",
        queries=[(increase("winnow_sink_refused_logins_total", "reason"), "{{reason}}")],
    ),
)


def gateway_dashboard() -> dict[str, Any]:
    """Return the dashboard of gateways."""
    rows = (("Overview", GATEWAY, 4), ("Messages", GATEWAY_MESSAGES, 8), ("Process", process_panels(), 8))
    asked = "label_values(winnow_gateway_connections_total, instance)"
    return dashboard("gateway", rows, [("instance", "Gateway", asked)])


def sink_dashboard() -> dict[str, Any]:
    """Return the dashboard of sinks."""
    rows = (("Overview", SINK, 4), ("Records", SINK_RECORDS, 8), ("Process", process_panels(), 8))
    return dashboard("sink", rows, [("instance", "Sink", "label_values(winnow_sink_lag_records, instance)")])

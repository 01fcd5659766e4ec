"""mq-bridge (Rust, from PyPI) as a gateway: MQTT 5 to Kafka, acknowledged behind Kafka. `… HOST PORT KAFKA TOPIC`."""

import sys

from mq_bridge import Route  # type: ignore[import-not-found]

host, port, kafka, topic = sys.argv[1:]
ROUTE = {
    "input": {
        "mqtt": {
            "url": f"mqtt://{host}:{port}",
            "topic": "winnow/v1/+/events/#",
            "client_id": "bench-mq-bridge",
            "qos": 1,
            "clean_session": False,
            "session_expiry_interval": 3600,
            "max_inflight": 100,
            "delayed_ack": False,
        }
    },
    "output": {
        "kafka": {
            "url": kafka,
            "topic": topic,
            "delayed_ack": False,
            "producer_options": [["acks", "all"], ["enable.idempotence", "true"], ["linger.ms", "20"]],
        }
    },
    "batch_size": 100,
}
Route.from_config({"routes": {"bench": ROUTE}}, "bench").run()

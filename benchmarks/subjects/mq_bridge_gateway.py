"""mq-bridge (Rust, from PyPI) as a gateway: MQTT 5 to Kafka, acknowledged behind Kafka. `… HOST PORT KAFKA TOPIC`.

Its queue holds more than the tests send while it is away: with the usual 100 it blocks on what the broker kept for it
before it has seen its own subscription granted, and gives up after five seconds.
"""

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
            "protocol": "v5",
            "queue_capacity": 10_000,
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
    "batch_size": 200,
}
Route.from_config({"routes": {"bench": ROUTE}}, "bench").run()

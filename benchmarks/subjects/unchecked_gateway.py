"""Winnow's gateway with its checks and receipts taken out, to compare like with like: `… HOST PORT KAFKA TOPIC`.

It passes bytes on and acknowledges behind Kafka, as mq-bridge does. No setting makes Winnow do that.
"""

import asyncio
import sys
from threading import Event
from uuid import uuid4

from winnow.events.judging import Verdict
from winnow.events.kafka import KafkaRecord
from winnow.gateway.intake import Received
from winnow.gateway.kafka_destination import KafkaDestination
from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.mqtt_intake import MqttIntake
from winnow.gateway.service import GatewayService
from winnow.gateway.settings import GatewaySettings, KafkaOutSettings
from winnow.runtime.clock import SystemClock
from winnow.runtime.retry import Backoff


class UncheckedService(GatewayService):
    """A gateway that takes every message for good; without a node and a position none is receipted."""

    topic = ""

    def _judged(self, message: Received) -> list[Verdict]:
        record = KafkaRecord(topic=self.topic, key=message.topic.encode(), value=message.payload, headers=())
        return [Verdict(record=record, node=None, position=None)]


async def main(host: str, port: str, kafka: str, topic: str) -> None:
    """Pass every event on for ever."""
    settings = GatewaySettings.model_validate(
        {"mqtt": {"url": f"mqtt://{host}:{port}"}, "destination": f"kafka://{kafka}"}
    )
    metrics = GatewayMetrics()
    service = UncheckedService(
        MqttIntake(
            settings.mqtt,
            client_id=f"bench-unchecked-{uuid4().hex[:8]}",
            in_flight=settings.in_flight,
            backoff=Backoff(first_s=1, limit_s=5),
            metrics=metrics,
        ),
        KafkaDestination(KafkaOutSettings(bootstrap_servers=kafka), max_batch_bytes=settings.batch.max_bytes),
        limits=settings.batch.limits(),
        backoff=Backoff(first_s=1, limit_s=5),
        clock=SystemClock(),
        metrics=metrics,
    )
    service.topic = topic
    await service.run(Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

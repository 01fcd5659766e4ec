"""Builds a gateway from its settings and runs it."""

import asyncio
import logging
import threading
from functools import partial
from typing import Final

from winnow.cli.console import fail
from winnow.gateway.destination import Destination
from winnow.gateway.kafka_destination import KafkaDestination
from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.mqtt_intake import MqttIntake
from winnow.gateway.service import GatewayService
from winnow.gateway.settings import GatewaySettings
from winnow.runtime.certificate_alarm import CertificateAlarm, Servers, watched
from winnow.runtime.certificates import CertificateCollector, Certificates
from winnow.runtime.clock import SystemClock
from winnow.runtime.metrics import metrics_server
from winnow.runtime.retry import Backoff
from winnow.runtime.settings import SettingsError
from winnow.runtime.stopping import end_in_time, stop_on_signals
from winnow.runtime.tls import Seen

LAST_RETRY_S: Final = 2.0
"""Longest delay between two tries. With 30 % jitter, a broker or Kafka that was down is found again 2.6 s after it came
back."""

_log: Final = logging.getLogger(__name__)


def run_gateway(settings: GatewaySettings) -> int:
    """Run until a signal comes; return the exit code."""
    # The library reports as an error what the gateway outlives, and what it says goes into the gateway's own warnings.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with stop_on_signals() as stopping:
        end_in_time(stopping)  # nothing is lost by an abrupt end: nothing is acknowledged before it is stored
        try:
            asyncio.run(serve(settings, stopping))
        except SettingsError as exc:
            fail(str(exc))
        except OSError as exc:
            fail(f"metrics {settings.metrics.host}:{settings.metrics.port}: {exc.strerror}; choose another port")
    _log.info("gateway stopped")
    return 0


async def serve(settings: GatewaySettings, stopping: threading.Event) -> None:
    """Be the gateway until `stopping` is set.

    Raises:
        SettingsError: a password file or a certificate cannot be read.
        OSError: the port for metrics is taken.
    """
    metrics, clock = GatewayMetrics(), SystemClock()
    certificates = certificates_of(settings)
    metrics.registry.register(CertificateCollector(certificates))
    intake = MqttIntake(
        settings.mqtt,
        client_id=settings.client_id,
        nodes=settings.nodes,
        in_flight=settings.in_flight,
        backoff=Backoff(first_s=0.5, limit_s=LAST_RETRY_S),
        metrics=metrics,
        seen=certificates.seen_on("mqtt"),
    )
    service = GatewayService(
        intake,
        build_destination(settings, metrics, certificates.seen_on("kafka")),
        limits=settings.batch.limits(),
        backoff=Backoff(first_s=0.2, limit_s=LAST_RETRY_S),
        clock=clock,
        metrics=metrics,
        opens_batches=settings.opens_batches,
    )
    host, port = settings.metrics.host, settings.metrics.port
    alarm = CertificateAlarm(certificates, clock, servers_of(settings))
    with metrics_server(metrics.registry, service.health, host=host, port=port) as address, watched(alarm):
        _log.info("gateway started", extra={"metrics": f"http://{address[0]}:{address[1]}/metrics"})
        await service.run(stopping)


def certificates_of(settings: GatewaySettings) -> Certificates:
    """Return the certificates that a gateway shows."""
    kafka = settings.kafka_settings
    return Certificates(
        {
            "mqtt": settings.mqtt.tls.certificate_file if settings.mqtt.has_tls else None,
            "kafka": kafka.tls.certificate_file if kafka is not None and kafka.has_tls else None,
        }
    )


def servers_of(settings: GatewaySettings) -> Servers:
    """Return how to ask the servers of a gateway for their certificates."""
    kafka = settings.kafka_settings
    return {"mqtt": (settings.mqtt.tls, [settings.mqtt.address])} | (
        {} if kafka is None else {"kafka": (kafka.tls, kafka.addresses)}
    )


def build_destination(settings: GatewaySettings, metrics: GatewayMetrics, seen: Seen | None = None) -> Destination:
    """Return where the records go, not started yet.

    Args:
        settings: the gateway's.
        metrics: counts what a store refuses by itself; with Kafka between the two, the sink does.
        seen: told of the certificates that Kafka's servers show.

    Raises:
        SettingsError: a password file or a certificate cannot be read.
    """
    kafka = settings.kafka_settings
    if kafka is not None:
        return KafkaDestination(kafka, max_batch_bytes=settings.batch.max_bytes, seen=seen)
    from winnow.cloud_sink.store import WriteResult, open_store  # noqa: PLC0415 - Kafka alone needs no database
    from winnow.cloud_sink.store.intake import REUSED  # noqa: PLC0415
    from winnow.cloud_sink.store_destination import StoreDestination  # noqa: PLC0415

    def note(result: WriteResult) -> None:
        metrics.refused.labels(REUSED).inc(result.refusals.get(REUSED, 0))
        metrics.reused_places.inc(sum(one.count for one in result.reused))

    return StoreDestination(partial(open_store, str(settings.destination)), note=note)

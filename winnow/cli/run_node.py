"""Builds and runs one edge box."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry

from winnow.cli.console import fail
from winnow.cli.edge_objects import build_camera, build_detector
from winnow.cli.edge_outbox import Delivery, open_delivery
from winnow.pipeline.analysis import model_ref
from winnow.pipeline.camera import Camera
from winnow.pipeline.delivery import SpoolOutbox
from winnow.pipeline.edge_metrics import CameraCollector
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.settings import EdgeSettings
from winnow.runtime.clock import Clock, SystemClock
from winnow.runtime.metrics import metrics_server
from winnow.runtime.stopping import stop_on_signals

logger = logging.getLogger(__name__)

REAL_TIME: Final = 1.0


def run_node(settings: EdgeSettings) -> list[str]:
    """Run every camera until it ends or the process is asked to stop; return a line for each that failed."""
    clock, registry = SystemClock(), CollectorRegistry()
    with stop_on_signals() as stopping, open_delivery(settings, registry=registry, clock=clock) as delivery:
        cameras = _build_cameras(settings, delivery, clock)
        registry.register(CameraCollector(cameras))
        node = EdgeNode(
            settings.node,
            cameras=cameras,
            outbox=delivery.outbox,
            model=model_ref(build_detector(settings)),
            stats_every_s=settings.stats_every_s,
            clock=clock,
        )
        with _metrics(settings, registry, cameras, delivery.outbox):
            logger.info("Started", extra={"node": settings.node, "cameras": len(cameras)})
            problems = node.run(stopping)
    logger.info("Stopped", extra={"node": settings.node})
    return problems


def _build_cameras(settings: EdgeSettings, delivery: Delivery, clock: Clock) -> list[Camera]:
    return [
        build_camera(
            settings.node,
            name,
            camera,
            detector=build_detector(settings),
            accept=delivery.outbox.accept,
            clock=clock,
            starts_at=datetime.now(UTC),
            speed=REAL_TIME,
            announce=partial(delivery.publisher.set_camera_status, name),
        )
        for name, camera in settings.cameras.items()
    ]


@contextmanager
def _metrics(
    settings: EdgeSettings, registry: CollectorRegistry, cameras: Sequence[Camera], outbox: SpoolOutbox
) -> Iterator[None]:
    """Serve metrics and health while the block runs, if the settings ask for it."""
    host, port = settings.metrics.host, settings.metrics.port
    if port is None:
        yield
        return

    def health() -> dict[str, object]:
        states = {camera.name: camera.is_online for camera in cameras}
        return {"ok": any(states.values()), "cameras": states, "waiting": outbox.depth}

    with ExitStack() as stack:
        try:
            stack.enter_context(metrics_server(registry, health, host=host, port=port))
        except OSError as exc:
            fail(f"metrics: {host}:{port}: {exc.strerror}; choose another metrics.port, or null for none")
        yield

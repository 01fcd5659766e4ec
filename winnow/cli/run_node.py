"""Builds and runs one edge box."""

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event as Flag
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, disable_created_metrics

from winnow import __version__
from winnow.cli.commands import Commands, Inbox
from winnow.cli.console import fail
from winnow.cli.edge_objects import build_scheduler, make_camera
from winnow.cli.edge_outbox import Delivery, open_delivery
from winnow.cli.process_metrics import NodeCollector, certificate_ends, register_process
from winnow.cli.reloading import Reloading
from winnow.cli.summary import Summary, format_saving
from winnow.pipeline.analysis import model_ref
from winnow.pipeline.bandwidth import AccountsCollector
from winnow.pipeline.camera import Camera
from winnow.pipeline.delivery import HandOver
from winnow.pipeline.detection import DetectionScheduler
from winnow.pipeline.edge_metrics import CameraCollector
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.pipeline.sources import SourceError, share_of
from winnow.pipeline.start_pace import StartPace
from winnow.runtime.certificate_alarm import CertificateAlarm, watched
from winnow.runtime.certificates import CertificateCollector, Certificates
from winnow.runtime.clock import Clock, SystemClock
from winnow.runtime.metrics import metrics_server
from winnow.runtime.service_manager import ServiceManager
from winnow.runtime.stopping import HangUp, end_in_time, stop_on_signals

logger = logging.getLogger(__name__)

REAL_TIME: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRun:
    """How a run went.

    Attributes:
        problems: a line for each camera that failed.
        summary: what the cameras did that were there at the end.
    """

    problems: list[str]
    summary: Summary


def run_node(path: Path, settings: EdgeSettings, environ: Mapping[str, str]) -> NodeRun:
    """Run every camera until it ends or the process is asked to stop.

    Args:
        path: where the settings came from; what changes there is taken over.
        settings: what to start with.
        environ: says whether a service manager listens.
    """
    disable_created_metrics()  # type: ignore[no-untyped-call]
    clock, registry, hang_up, inbox = SystemClock(), CollectorRegistry(), HangUp(sys.stderr), Inbox()
    manager, started_mono_s = ServiceManager(environ, clock), clock.monotonic_s()
    certificates = Certificates({"mqtt": settings.mqtt.tls.certificate_file if settings.mqtt.has_tls else None})
    registry.register(CertificateCollector(certificates))
    alarm = CertificateAlarm(certificates, clock, {"mqtt": (settings.mqtt.tls, [settings.mqtt.address])})
    seen = certificates.seen_on("mqtt")
    with (
        stop_on_signals(hang_up.asked) as stopping,
        open_delivery(
            settings, registry=registry, clock=clock, stopping=stopping, command=inbox.put, seen=seen
        ) as delivery,
        watched(alarm),
    ):
        end_in_time(stopping)  # nothing that was accepted is lost by an abrupt end
        scheduler = build_scheduler(settings, clock)
        build = partial(_build_camera, settings, scheduler, delivery, clock, map(share_of, count()))
        try:
            cameras = [build(name, camera) for name, camera in settings.cameras.items()]
        except SourceError as exc:
            fail(str(exc))
        node = EdgeNode(
            settings.node,
            cameras=cameras,
            outbox=delivery.outbox,
            model=model_ref(scheduler.detector_for(settings.node)),
            stats_every_s=settings.stats_every_s,
            clock=clock,
            accounts=delivery.accounts,
            start_pace=StartPace(len(os.sched_getaffinity(0))),
            certificates=partial(certificate_ends, certificates),
        )
        registry.register(CameraCollector(lambda: node.cameras))
        registry.register(AccountsCollector(delivery.accounts, lambda: [camera.name for camera in node.cameras]))
        reloading = Reloading(
            path,
            settings,
            node=node,
            build=build,
            clock=clock,
            change_day=lambda link: delivery.accounts.change_day(link.daily_bytes, ZoneInfo(link.day_zone)),
        )
        commands = Commands(inbox, node=node, reloading=reloading)
        own = NodeCollector(reloading=reloading, commands=commands, in_use=lambda: node.settings_in_use)
        register_process(registry, own)
        with _metrics(settings, registry, node, delivery.outbox):
            logger.info("Started", extra={"node": settings.node, "cameras": len(cameras), "version": __version__})
            manager.ready(f"{len(cameras)} cameras")
            problems = node.run(stopping, lambda: _attend(reloading, commands, hang_up, manager, stopping))
            manager.stopping()
    summary = Summary()
    for camera in node.cameras:
        summary.add(camera, clock.monotonic_s() - started_mono_s)
    summary.wire_bytes = sum(delivery.publisher.wire.of(name).total for name in (None, *(c.name for c in node.cameras)))
    figures = {
        "events": summary.events.total(),
        "bytes_in": summary.bytes_in,
        "bytes_sent": summary.sent_bytes,
        "saved": format_saving(summary.bytes_in, summary.sent_bytes),
        "waiting": delivery.outbox.depth,
    }
    logger.info("Stopped", extra={"node": settings.node, **figures})
    return NodeRun(problems=problems, summary=summary)


def _attend(reloading: Reloading, commands: Commands, hang_up: HangUp, manager: ServiceManager, stopping: Flag) -> None:
    manager.alive()
    if hang_up.asked.is_set():
        hang_up.asked.clear()
        (stopping if hang_up.terminal_is_gone() else reloading.asked).set()
    reloading.run_once()
    commands.run_once()


def _build_camera(  # noqa: PLR0913, PLR0917 - the parts of a camera
    settings: EdgeSettings,
    scheduler: DetectionScheduler,
    delivery: Delivery,
    clock: Clock,
    shares: Iterator[float],
    name: str,
    camera: CameraSettings,
) -> Camera:
    return make_camera(
        settings.node,
        name,
        camera,
        detector=scheduler.detector_for(name),
        accept=delivery.outbox.take,
        accept_recorded=delivery.outbox.take_all,
        clock=clock,
        starts_at=datetime.now(UTC),
        speed=REAL_TIME,
        spool=settings.spool.path,
        share=next(shares),
        announce=partial(delivery.publisher.set_camera_status, name),
        picture_size=lambda: delivery.accounts.budget.size,
    )


@contextmanager
def _metrics(settings: EdgeSettings, registry: CollectorRegistry, node: EdgeNode, outbox: HandOver) -> Iterator[None]:
    """Serve metrics and health while the block runs, if the settings ask for it."""
    host, port = settings.metrics.host, settings.metrics.port
    if port is None:
        yield
        return

    def health() -> dict[str, object]:
        states = {camera.name: camera.is_online for camera in node.cameras}
        return {"ok": any(states.values()), "cameras": states, "waiting": outbox.depth}

    with ExitStack() as stack:
        try:
            stack.enter_context(metrics_server(registry, health, host=host, port=port))
        except OSError as exc:
            fail(f"metrics: {host}:{port}: {exc.strerror}; choose another metrics.port, or null for none")
        yield

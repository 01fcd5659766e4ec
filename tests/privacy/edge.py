"""An edge process whose cameras look at the patterned scene; all but one of them fail, each at another stage.

    python -m tests.privacy.edge --folder DIR --mqtt HOST:PORT --node NAME --redaction MODE [--mask]

Everything below is the product's own: cameras, spool, publisher, logs at DEBUG, metrics. It ends by SIGABRT with
`faulthandler` on, as a process that crashes in C does.
"""

import argparse
import faulthandler
import os
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from tests.privacy.scene import MASK, frames
from winnow.detectors.detections import Detections
from winnow.events import Receipt
from winnow.pipeline.analysis import model_ref
from winnow.pipeline.bandwidth import Accounts, AccountsCollector, DailyBudget, DayFile
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.delivery import (
    DeliveryMetrics,
    HandOver,
    Packing,
    Publisher,
    SpoolOutbox,
    SqliteSpool,
    paho_connect,
)
from winnow.pipeline.edge_metrics import CameraCollector
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, ThumbnailSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.pipeline.thumbnails import encode
from winnow.runtime.clock import SystemClock
from winnow.runtime.logs import configure_logging
from winnow.runtime.metrics import metrics_server
from winnow.runtime.mqtt import MqttSettings

STAGES: Final = ("source", "detect", "encode", "accept")
_FAILS_AT: Final = 40
_LOOKS_BEFORE_IT_FAILS: Final = 12
_LOOKS: Final = 20
_DOOMED_QUALITY: Final = 89
"""The one camera that encodes at this quality fails when it does."""


class FailingDetector(ColourBoxDetector):
    """Sees the scene until it fails, with the image in its hands."""

    _looks = 0

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Return what is seen, or fail."""
        self._looks += 1
        if self._looks > _LOOKS_BEFORE_IT_FAILS:
            raise RuntimeError(f"the detector cannot take {images[0].shape}")
        return super().detect(images)


class FailingSource(ScriptedSource):
    """Gives frames until it fails."""

    _reads = 0

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the next frame, or fail with one in its hands."""
        frame = super().read(timeout_s)
        self._reads += 1
        if self._reads > _FAILS_AT:
            raise RuntimeError(f"the source cannot take {frame}")
        return frame


def main() -> None:
    """Run to the end, then crash."""
    parser = argparse.ArgumentParser()
    for name in ("--folder", "--mqtt", "--node", "--redaction"):
        parser.add_argument(name, required=True)
    parser.add_argument("--mask", action="store_true")
    chosen = parser.parse_args()
    folder, clock, registry = Path(chosen.folder), SystemClock(), CollectorRegistry()
    faulthandler.enable()
    configure_logging("DEBUG")
    metrics = DeliveryMetrics(registry)
    spool = SqliteSpool(
        folder / "spool.sqlite", node=chosen.node, clock=clock, metrics=metrics, max_bytes=64 * 1024 * 1024
    )
    publisher = Publisher(
        spool,
        connect=paho_connect(MqttSettings(url=f"mqtt://{chosen.mqtt}"), node=chosen.node, version="1", clock=clock),
        version="1",
        clock=clock,
        metrics=metrics,
        packing=Packing(chosen.node, wait_s=0.2),
    )
    accounts = Accounts(
        sent=publisher.wire.of,
        waiting_bytes=lambda: spool.size_bytes,
        file=DayFile(folder / "days.json"),
        budget=DailyBudget(None),
        zone=ZoneInfo("UTC"),
        clock=clock,
    )
    outbox = HandOver(SpoolOutbox(spool, notify=publisher.notify, metrics=metrics), metrics=metrics, stopping=Flag())
    outbox.start()
    cameras = [_camera(stage, chosen, outbox, clock) for stage in ("good", *STAGES)]
    registry.register(CameraCollector(lambda: cameras))
    registry.register(AccountsCollector(accounts, lambda: [camera.name for camera in cameras]))
    _doom_one_quality()
    publisher.start()
    node = EdgeNode(
        chosen.node,
        cameras=cameras,
        outbox=outbox,
        model=model_ref(ColourBoxDetector()),
        stats_every_s=1,
        clock=clock,
        accounts=accounts,
    )
    with metrics_server(registry, lambda: {"ok": True}, host="127.0.0.1", port=0) as (host, port):
        problems = node.run(Flag())
        for path in ("metrics", "healthz"):
            with urllib.request.urlopen(f"http://{host}:{port}/{path}", timeout=10) as answer:
                (folder / path).write_bytes(answer.read())
    assert outbox.close(30.0)
    (folder / "problems.txt").write_text("\n".join(problems))
    _wait_until_sent(publisher)
    spool.acknowledge(Receipt(epoch=spool.epoch, upto=spool.last_sequence))
    os.abort()


def _camera(stage: str, chosen: argparse.Namespace, outbox: HandOver, clock: SystemClock) -> Camera:
    thumbnails = ThumbnailSettings.model_validate(
        {
            "redaction": chosen.redaction,
            "masks": [MASK] if chosen.mask else [],
            "margin": 1.0,
            "quality": _DOOMED_QUALITY if stage == "encode" else 90,
            "max_bytes": 48 * 1024,
        }
    )
    accepted: list[Message] = []

    def accept(messages: Sequence[Message]) -> None:
        accepted.extend(messages)
        if stage == "accept" and any(message.kind == "thumbnail.captured" for message in accepted):
            raise RuntimeError(f"the outbox cannot take {len(messages)} messages")
        outbox.take(messages)

    return Camera(
        CameraPlan(
            node=chosen.node,
            name=stage,
            settings=CameraSettings(source="scripted", labels=("person", "car"), thumbnails=thumbnails),
            footage=stage,
        ),
        source=FailingSource(list(frames())) if stage == "source" else ScriptedSource(list(frames())),
        detector=FailingDetector() if stage == "detect" else ColourBoxDetector(),
        accept=accept,
        clock=clock,
        pace=Pace(None),
    )


def _doom_one_quality() -> None:
    whole = encode._encoded

    def encoded(pixels: NDArray[np.uint8], quality: int) -> bytes:
        if quality == _DOOMED_QUALITY:
            raise RuntimeError(f"the encoder cannot take {pixels.shape}")
        return whole(pixels, quality)

    encode._encoded = encoded


def _wait_until_sent(publisher: Publisher) -> None:
    """Return once nothing went out for a second, or after 20."""
    sent, looks = -1, 0
    while looks < _LOOKS:
        now = sum(publisher.wire.of(camera).total for camera in (None, "good", *STAGES))
        if now == sent > 0:
            return
        sent, looks = now, looks + 1
        time.sleep(1.0)


if __name__ == "__main__":
    main()

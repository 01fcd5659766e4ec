"""Winnow's whole pipeline on a file, as fast as one thread can: `camera CLIP [SETTING=YAML …]`.

Decoding, motion, detector, tracking, rules, thumbnails and encoding of what is sent; not the way to the broker.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Event as Flag
from typing import Any

import yaml

from benchmarks.harness.cost import costing
from winnow.cli.edge_objects import build_camera, build_detector
from winnow.events import Event
from winnow.events.thumbnail import Thumbnail
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.runtime.clock import SystemClock


def main() -> None:
    """Run one camera to the end of its recording."""
    path, *chosen = sys.argv[1:]
    settings = CameraSettings.model_validate({"source": path, **_settings(chosen)})
    edge = EdgeSettings(node="bench", cameras={"street": settings})
    kinds: Counter[str] = Counter()
    labels: Counter[str] = Counter()

    def accept(messages: Sequence[Event | Thumbnail]) -> None:
        kinds.update(message.kind for message in messages)
        labels.update(
            str(message.subject).partition("/")[0]
            for message in messages
            if isinstance(message, Event) and message.kind == "object.started"
        )

    camera = build_camera(
        edge.node,
        "street",
        settings,
        detector=build_detector(edge),
        accept=accept,
        clock=SystemClock(),
        starts_at=datetime(2026, 1, 1, tzinfo=UTC),
        speed=None,
    )
    said: dict[str, Any] = {}
    with costing(said):
        camera.run(Flag())
        tally, stats = camera.tally, camera.source.stats
        said |= {
            "seconds": float(camera.position_s),
            "frames": stats.frames_decoded,
            "analysed": tally.frames_analysed,
            "detector_runs": tally.detector_runs,
            "model_runs": tally.model_runs,
            "stage_s": dict(tally.stage_s),
            "bytes_in": stats.bytes_read,
            "bytes_out": tally.bytes_out,
            "messages": dict(kinds),
            "objects": dict(labels),
        }


def _settings(chosen: Sequence[str]) -> dict[str, Any]:
    parts = (one.partition("=") for one in chosen)
    return {name: yaml.safe_load(value) for name, _, value in parts}


if __name__ == "__main__":
    main()

"""The drawn sample clips through the whole pipeline, with a detector that sees their colours.

`python -m tests.golden.drawn_clips` writes the expected events anew; look at the difference before you commit it.
"""

import json
from functools import cache
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final

import yaml

from winnow.detectors import Detector
from winnow.events import Event, encode_event
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import Message
from winnow.pipeline.footage import recording_digest
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, LineSettings, ZoneSettings
from winnow.pipeline.sources import open_source
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

SAMPLES: Final = Path(__file__).parent.parent.parent / "sample_videos"
CLIPS: Final = tuple(sorted(path.name.removesuffix(".truth.yaml") for path in SAMPLES.glob("*.truth.yaml")))


def truth_of(clip: str) -> dict[str, Any]:
    """Return what was drawn into a clip."""
    document: dict[str, Any] = yaml.safe_load((SAMPLES / f"{clip}.truth.yaml").read_text(encoding="utf-8"))
    return document


@cache
def replayed(clip: str, speed: float | None = None, detector: Detector | None = None) -> list[Message]:
    """Return everything that the pipeline reports of a clip, watched with the rules of its truth.

    Args:
        clip: its name.
        speed: times real time; as fast as possible if None.
        detector: one for this clip alone if None.
    """
    path, clock = SAMPLES / f"{clip}.mp4", ManualClock()
    messages: list[Message] = []
    camera = Camera(
        CameraPlan(node="golden", name="drawn", settings=_settings(clip), footage=recording_digest(path)),
        source=open_source(str(path), clock=clock),
        detector=detector or ColourBoxDetector(),
        accept=messages.extend,
        clock=clock,
        pace=Pace(speed),
    )
    camera.run(Flag())
    return messages


def _settings(clip: str) -> CameraSettings:
    truth = truth_of(clip)
    if "rules" in truth:
        return CameraSettings.model_validate(
            {"source": f"{clip}.mp4", "labels": ["person", "car"], "analysed_fps": 5, **truth["rules"]}
        )
    line, zone = truth.get("line"), truth.get("zone")
    return CameraSettings(
        source=f"{clip}.mp4",
        labels=("person", "car"),
        lines={"line": LineSettings(points=(tuple(line["from"]), tuple(line["to"])))} if line else {},
        zones={"zone": ZoneSettings(points=tuple(tuple(corner) for corner in zone))} if zone else {},
    )


def event_lines(messages: list[Message]) -> list[str]:
    """Return one line of CloudEvents JSON an event."""
    return [encode_event(message).decode() for message in messages if isinstance(message, Event)]


def expected_path(clip: str) -> Path:
    """Return the file with a clip's expected events."""
    return SAMPLES / f"{clip}.events.jsonl"


def write_expected() -> None:
    """Write what the pipeline reports now as what is expected from now on."""
    for clip in CLIPS:
        lines = event_lines(replayed(clip))
        expected_path(clip).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        print(clip, [json.loads(line)["type"] for line in lines])  # noqa: T201 - a command's answer


if __name__ == "__main__":
    write_expected()

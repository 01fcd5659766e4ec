"""One camera: where its frames come from, and everything that is done with them."""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from winnow.pipeline.decoder.addresses import source_kind
from winnow.pipeline.decoder.errors import SourceNotAllowedError
from winnow.pipeline.settings.connection import ConnectionSettings
from winnow.pipeline.settings.detection import DetectionSettings
from winnow.pipeline.settings.health import HealthSettings
from winnow.pipeline.settings.motion import MotionSettings
from winnow.pipeline.settings.rules import LineSettings, SequenceSettings, ZoneSettings
from winnow.pipeline.settings.shapes import Name
from winnow.pipeline.settings.thumbnails import ThumbnailSettings
from winnow.pipeline.settings.tracking import TrackingSettings
from winnow.runtime.settings import Settings, beside_settings

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
"""A source that starts so is a URL, unless there is a file of that name."""


def _source_beside_settings(source: str, info: ValidationInfo) -> str:
    path = beside_settings(Path(source), info)
    if not _ADDRESS.match(source) or path.exists():
        return str(path)
    try:
        source_kind(source)
    except SourceNotAllowedError as exc:
        raise ValueError(str(exc).removeprefix(f"{exc.source}: ")) from exc
    return source


class CameraSettings(Settings):
    """One camera.

    Attributes:
        source: file, folder, `rtsp://…`, `http://…` or `/dev/videoN`; relative paths start at the settings file.
        connection: how it is reached.
        analysed_fps: frames a second of stream time that are looked at.
        labels: objects to report; every label of the model if empty.
        zones: by name.
        lines: by name.
        sequences: of zones, by name.
        health: when its pictures count as useless.
    """

    source: Annotated[str, Field(min_length=1), AfterValidator(_source_beside_settings)]
    connection: ConnectionSettings = ConnectionSettings()
    analysed_fps: Annotated[float, Field(gt=0, le=60)] = 5.0
    labels: tuple[str, ...] = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "dog", "cat")
    zones: dict[Name, ZoneSettings] = Field(default_factory=dict, max_length=64)
    lines: dict[Name, LineSettings] = Field(default_factory=dict, max_length=64)
    sequences: dict[Name, SequenceSettings] = Field(default_factory=dict, max_length=64)
    health: HealthSettings = HealthSettings()
    motion: MotionSettings = MotionSettings()
    detection: DetectionSettings = DetectionSettings()
    tracking: TrackingSettings = TrackingSettings()
    thumbnails: ThumbnailSettings = ThumbnailSettings()

    @field_validator("sequences")
    @classmethod
    def _zones_exist(cls, sequences: dict[str, SequenceSettings], info: ValidationInfo) -> dict[str, SequenceSettings]:
        zones = info.data.get("zones")
        if zones is None:  # they are wrong themselves, and said to be
            return sequences
        for name, sequence in sequences.items():
            for zone in sequence.zones:
                if zone not in zones:
                    likely = get_close_matches(zone, zones, n=1)
                    hint = f" (did you mean {likely[0]}?)" if likely else ""
                    there = f"this camera has {', '.join(zones)}" if zones else "this camera has none"
                    raise ValueError(f"{name}.zones: no zone {zone!r}{hint}; {there}")
        return sequences

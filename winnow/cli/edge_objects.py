"""Builds the edge's objects from its settings, for `run`, `replay` and `demo`."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from winnow.cli.console import fail
from winnow.detectors import Detector, DetectorError
from winnow.detectors.catalogue import open_detector
from winnow.events.status import CameraStatus
from winnow.pipeline.camera import Accept, Camera, CameraPlan
from winnow.pipeline.detection import DetectionScheduler
from winnow.pipeline.footage import live_digest, recording_digest
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.pipeline.sources import (
    SourceError,
    SourceNotFoundError,
    SourceNotVideoError,
    SourceUnreachableError,
    open_source,
)
from winnow.pipeline.thumbnails import Size
from winnow.runtime.clock import Clock


def build_detector(settings: EdgeSettings) -> Detector:
    """Return the detector that the settings name, for one camera; ends the command if there is none."""
    try:
        return open_detector(settings.model)
    except DetectorError as exc:
        fail(f"model: {exc}")


def build_scheduler(settings: EdgeSettings, clock: Clock) -> DetectionScheduler:
    """Return the detectors that all cameras of a box share; ends the command if there are none."""
    sessions = settings.inference_sessions or len(os.sched_getaffinity(0))
    return DetectionScheduler([build_detector(settings) for _ in range(sessions)], clock=clock)


def build_camera(  # noqa: PLR0913 - the parts of a camera
    node: str,
    name: str,
    settings: CameraSettings,
    *,
    detector: Detector,
    accept: Accept,
    clock: Clock,
    starts_at: datetime,
    speed: float | None,
    announce: Callable[[CameraStatus], None] = lambda _: None,
) -> Camera:
    """Return a camera that is ready to run; ends the command if its source's address is wrong.

    A recording's first frame gets the wall time `starts_at`, and it is played at `speed` times real time (None: as
    fast as possible). Live streams have their own time and speed.
    """
    try:
        return make_camera(
            node,
            name,
            settings,
            detector=detector,
            accept=accept,
            clock=clock,
            starts_at=starts_at,
            speed=speed,
            announce=announce,
        )
    except SourceError as exc:
        fail(str(exc))


def make_camera(  # noqa: PLR0913 - the parts of a camera
    node: str,
    name: str,
    settings: CameraSettings,
    *,
    detector: Detector,
    accept: Accept,
    clock: Clock,
    starts_at: datetime,
    speed: float | None,
    announce: Callable[[CameraStatus], None] = lambda _: None,
    picture_size: Callable[[], Size] = lambda: "full",
    spool: Path | None = None,
    share: float = 0.0,
    accept_recorded: Accept | None = None,
) -> Camera:
    """Return the same camera as `build_camera`.

    A spool tells that nobody looks on: recordings are decoded in processes of their own, and a folder is watched for
    what comes into it if its settings say so; what was read of it is remembered beside the spool. A live camera's
    frames arrive at its share of the analysis period, 0 to 1.
    `accept_recorded` takes the place of `accept` for what is not live: it may wait.

    Raises:
        SourceError: its source's address is wrong, or the recording cannot be read.
    """
    live = settings.connection.live()
    watches = spool is not None and settings.connection.watch_folder
    source = open_source(
        settings.source,
        clock=clock,
        starts_at=starts_at,
        live=live,
        watches_folder=watches,
        isolates=spool is not None,
        share=share,
        camera=name,
        folder_memory=spool and spool.with_name(f"{spool.name}.{name}.folder.json"),
    )
    is_open_ended = source.is_live or watches
    footage = live_digest(settings.source, clock.now()) if is_open_ended else _digest(Path(settings.source))
    return Camera(
        CameraPlan(node=node, name=name, settings=settings, footage=footage),
        source=source,
        detector=detector,
        accept=accept if source.is_live else accept_recorded or accept,
        clock=clock,
        pace=Pace(None if is_open_ended else speed),
        announce=announce,
        picture_size=picture_size,
    )


def _digest(path: Path) -> str:
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise SourceNotVideoError(str(path), "neither a file nor a folder; give a video file")
    try:
        return recording_digest(path)
    except FileNotFoundError as exc:
        raise SourceNotFoundError(str(path), "no such file; check the path") from exc
    except OSError as exc:
        raise SourceUnreachableError(str(path), str(exc.strerror)) from exc

"""`winnow check`: are the edge's settings right, and where do zones and lines lie?"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import counted, error_console, fail

if TYPE_CHECKING:
    from winnow.pipeline.settings import CameraSettings, EdgeSettings
    from winnow.pipeline.sources import Frame


def check(
    config: Annotated[Path, typer.Option("-c", "--config", help="The edge's settings.")] = Path("edge.yaml"),
    *,
    draw: Annotated[
        Path | None,
        typer.Option(help="Write a frame of the camera with its zones, lines and masks to this PNG or JPEG."),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Which camera to draw; needed when there are several.")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of the settings, for editors.")
    ] = False,
) -> None:
    """Validate the edge's settings file, and draw what it places in the picture.

    Every problem is one line: file, key, what is allowed. Exit code 0 if all is well, 2 if not.

    [bold]Examples[/]

      winnow check -c edge.yaml
      winnow check -c edge.yaml --camera door --draw door.png
    """
    from winnow.pipeline.settings import EdgeSettings  # noqa: PLC0415 - keeps `winnow --help` fast

    if schema:
        typer.echo(json.dumps(EdgeSettings.model_json_schema(), indent=2))
        return
    settings = load_edge_settings(config)
    zones = sum(len(one.zones) for one in settings.cameras.values())
    lines = sum(len(one.lines) for one in settings.cameras.values())
    found = (counted(len(settings.cameras), "camera"), counted(zones, "zone"), counted(lines, "line"))
    error_console().print(f"[green]{config} is right[/]: {', '.join(found)}")
    if draw is not None:
        name = pick_camera(settings, camera)
        _draw(name, settings.cameras[name], draw)


def load_edge_settings(config: Path) -> "EdgeSettings":
    """Return the settings of `config`, labels checked against the model; ends the command if they are wrong."""
    from winnow.runtime.settings import SettingsError  # noqa: PLC0415

    try:
        return read_edge_settings(config)
    except SettingsError as exc:
        fail(str(exc))


def read_edge_settings(config: Path) -> "EdgeSettings":
    """Return the settings of `config`, labels checked against the model.

    Raises:
        SettingsError: they are wrong, or the model is not there.
    """
    from winnow.detectors import DetectorError, read_card  # noqa: PLC0415
    from winnow.detectors.catalogue import find_card  # noqa: PLC0415
    from winnow.pipeline.settings import EdgeSettings, check_labels  # noqa: PLC0415
    from winnow.runtime.settings import SettingsInvalidError, load_settings  # noqa: PLC0415

    settings = load_settings(config, EdgeSettings)
    try:
        check_labels(config, settings, read_card(find_card(settings.model)).labels)
    except DetectorError as exc:
        raise SettingsInvalidError(config, [f"model: {exc}"]) from exc
    return settings


def pick_camera(settings: "EdgeSettings", camera: str | None) -> str:
    """Return the camera that is named, or the only one; ends the command if that is neither."""
    names = sorted(settings.cameras)
    if camera is None and len(names) == 1:
        return names[0]
    if camera not in settings.cameras:
        fail(f"--camera {camera or 'NAME'}: choose one of {', '.join(names)}")
    return camera


def snapshot_of(name: str, settings: "CameraSettings", at_s: float = 0.0) -> "Frame":
    """Return the camera's next frame, or a recording's first at `at_s` or later; ends the command if none comes."""
    from winnow.pipeline.sources import SourceError, open_source  # noqa: PLC0415
    from winnow.runtime.clock import SystemClock  # noqa: PLC0415

    try:
        with open_source(
            settings.source, clock=SystemClock(), live=settings.connection.live(), isolates=True
        ) as source:
            frame = source.read(timeout_s=15)
            while frame is not None and frame.stream_s < at_s:
                frame = source.read(timeout_s=15)
    except SourceError as exc:
        fail(f"camera {name}: {exc}")
    if frame is None:
        fail(
            f"camera {name}: no frame within 15 s; is it on?" if at_s == 0 else f"camera {name}: ends before {at_s:g} s"
        )
    return frame


def _draw(name: str, settings: "CameraSettings", path: Path) -> None:
    import cv2  # noqa: PLC0415

    from winnow.pipeline.drawing import draw_settings  # noqa: PLC0415

    if path.suffix.lower() not in {".png", ".jpg", ".jpeg"}:
        fail(f"--draw {path}: name a .png or .jpg file")
    frame = snapshot_of(name, settings)
    if not path.parent.is_dir() or not cv2.imwrite(str(path), draw_settings(frame.bgr(), settings)):
        fail(f"--draw {path}: cannot be written")
    error_console().print(f"camera {name}: {frame.width}x{frame.height}, drawn on {path}")

"""`winnow replay`: what would a camera have reported, had it seen this footage?"""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import fail

if TYPE_CHECKING:
    from winnow.pipeline.settings import CameraSettings, EdgeSettings

DEFAULT_NODE = "edge"
_FIRST_YEAR, _LAST_YEAR = 1969, 2199


def replay(  # noqa: PLR0913 - one argument an option
    videos: Annotated[
        list[Path], typer.Argument(metavar="VIDEO...", help="Video files, or folders of them, in order.")
    ],
    *,
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="Edge settings: zones, lines, labels, model.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="Camera of the settings, or just a name; by default the file's own.")
    ] = None,
    speed: Annotated[str, typer.Option(help="`max`, `realtime`, or a number of times real time.")] = "max",
    start: Annotated[
        str | None, typer.Option(help="Wall time of the first frame, ISO 8601; by default 1970-01-01T00:00:00Z.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Analysed frames a second of footage.", min=0.1, max=60)] = None,
    thumbnails: Annotated[Path | None, typer.Option(help="Write thumbnails here, as EVENT-ID.jpg.")] = None,
    mqtt: Annotated[
        str | None, typer.Option(help="Send everything to this broker, mqtt://HOST:PORT, instead of printing it.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one CloudEvent as JSON a line.")] = False,
) -> None:
    """Run recorded footage through the pipeline and print its events.

    The same footage, settings and model give the same output byte for byte, at any speed.
    Events go to standard output, progress and summary to standard error.

    [bold]Examples[/]

      winnow replay sample_videos/street.mp4
      winnow replay recordings/ -c edge.yaml --camera door --json > events.jsonl
      winnow replay night.mp4 --thumbnails shots/ --speed 4
      winnow replay night.mp4 --mqtt mqtt://127.0.0.1:1883 --start 2026-05-01T22:00:00Z
    """
    from winnow.cli.replay_run import ReplayOrder, run_replay  # noqa: PLC0415 - keeps `winnow --help` fast

    settings, looks = _settings_for(videos, config, camera, fps)
    if mqtt is not None:
        settings = _sending_to(settings, mqtt, has_own_spool=config is not None)
    order = ReplayOrder(
        settings=settings,
        looks=looks,
        speed=parse_speed(speed),
        starts_at=parse_start(start),
        thumbnails=thumbnails,
        sends=mqtt is not None,
        as_json=json,
    )
    raise typer.Exit(run_replay(order))


def parse_speed(text: str) -> float | None:
    """Return times real time, None for as fast as possible; ends the command if `text` is neither."""
    if text == "max":
        return None
    if text == "realtime":
        return 1.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= 1000:  # noqa: PLR2004
        fail(f"--speed {text}: use max, realtime, or a number above 0 and up to 1000")
    return speed


def parse_start(text: str | None) -> datetime:
    """Return an aware time; without a zone it is UTC. Ends the command if `text` is no time."""
    if text is None:
        return datetime(1970, 1, 1, tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--start {text}: write a time as 2026-05-01T22:00:00Z")
    if not _FIRST_YEAR < moment.year < _LAST_YEAR:
        fail(f"--start {text}: use a year after {_FIRST_YEAR} and before {_LAST_YEAR}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _sending_to(settings: "EdgeSettings", mqtt: str, *, has_own_spool: bool) -> "EdgeSettings":
    """Return the settings with another broker; without a settings file the spool lies in the user's state folder."""
    from pydantic import ValidationError  # noqa: PLC0415

    from winnow.runtime.mqtt import MqttSettings  # noqa: PLC0415

    try:
        broker = MqttSettings.model_validate({**settings.mqtt.model_dump(), "url": mqtt})
    except ValidationError:
        fail("--mqtt: write mqtt://HOST:PORT or mqtts://HOST:PORT; a login belongs into the settings file")
    spool = settings.spool
    if not has_own_spool:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        address = "-".join(map(str, broker.address))  # what waits for one broker is not sent to another
        spool = spool.model_copy(update={"path": state / "winnow" / f"replay-{settings.node}-{address}.sqlite"})
    return settings.model_copy(update={"mqtt": broker, "spool": spool})


def _settings_for(
    videos: Sequence[Path], config: Path | None, camera: str | None, fps: float | None
) -> tuple["EdgeSettings", list[tuple[str, "CameraSettings"]]]:
    """Return the edge's settings, and name and settings of the camera that looks at each file."""
    from winnow.cli.check import load_edge_settings, pick_camera  # noqa: PLC0415
    from winnow.pipeline.settings import CameraSettings, EdgeSettings  # noqa: PLC0415

    files = _files(videos)
    if config is None:
        names = [_checked_name(camera) if camera else name_of(file) for file in files]
        looks = [(name, CameraSettings(source=str(file))) for name, file in zip(names, files, strict=True)]
        settings = EdgeSettings(node=DEFAULT_NODE, cameras=dict(looks))
    else:
        settings = load_edge_settings(config)
        name = pick_camera(settings, camera)
        looks = [(name, settings.cameras[name].model_copy(update={"source": str(file)})) for file in files]
    if fps is not None:
        looks = [(name, look.model_copy(update={"analysed_fps": fps})) for name, look in looks]
    return settings, looks


def _files(videos: Sequence[Path]) -> list[Path]:
    """Return every file that is named or lies in a folder that is named, folders in order of name."""
    files: list[Path] = []
    for video in videos:
        if video.is_dir():
            inside = sorted(one for one in video.iterdir() if one.is_file() and not one.name.startswith("."))
            files += [one for one in inside if one.suffix.lower() in _VIDEO_SUFFIXES]
            if not inside:
                fail(f"{video}: an empty folder; name one with videos")
        else:
            files.append(video)
    if not files:
        fail("no video in the folder; known are " + " ".join(sorted(_VIDEO_SUFFIXES)))
    return files


_VIDEO_SUFFIXES = {".avi", ".flv", ".h264", ".h265", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".ts", ".webm"}


def name_of(file: Path) -> str:
    """Return the camera name that a file's own name makes: `Front Door.MP4` → `front-door`."""
    plain = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    return plain[:40].rstrip("-") or "camera"


def _checked_name(name: str) -> str:
    from winnow.events import ContractError  # noqa: PLC0415
    from winnow.events.names import check_name  # noqa: PLC0415

    try:
        return check_name(name)
    except ContractError as exc:
        fail(f"--camera: {exc}")

"""`winnow doctor`: is everything there that an edge box needs?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import EXIT_WRONG_USE, fail
from winnow.cli.start_logging import start_logging

if TYPE_CHECKING:
    from winnow.pipeline.settings import EdgeSettings

EXIT_PROBLEM = 1


def doctor(
    config: Annotated[Path, typer.Option("-c", "--config", help="The edge's settings.")] = Path("edge.yaml"),
    *,
    camera: Annotated[str | None, typer.Option(help="Look at this camera alone.")] = None,
    timeout: Annotated[float, typer.Option(min=1, max=300, help="Seconds that a camera or broker may take.")] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Open every camera, ask the broker, run the model, try disk and clock, and say what to do about what is wrong.

    Each part is a line: ok, or what is so and what to do. Nothing is changed or published, and an edge that runs beside
    it is not disturbed (a camera that takes one connection only is). Exit code 0 if nothing keeps the box from working,
    1 if something does, 2 if the settings are wrong.

    [bold]Examples[/]

      winnow doctor -c edge.yaml
      winnow doctor -c edge.yaml --camera door --timeout 30
      winnow doctor -c edge.yaml --json | jq '.findings[] | select(.status != "ok")'
    """
    from winnow.cli.check import read_edge_settings  # noqa: PLC0415 - keeps `winnow --help` fast
    from winnow.cli.doctor_run import run_doctor  # noqa: PLC0415
    from winnow.runtime.settings import SettingsError  # noqa: PLC0415

    start_logging("ERROR")
    settings: EdgeSettings | None = None
    wrong: list[str] = []
    try:
        settings = read_edge_settings(config)
    except SettingsError as exc:
        wrong = str(exc).splitlines()
    if settings is not None and camera is not None and camera not in settings.cameras:
        fail(f"--camera {camera}: choose one of {', '.join(sorted(settings.cameras))}")
    has_problem = run_doctor(config, settings, wrong, camera=camera, within_s=timeout, as_json=as_json)
    raise typer.Exit(EXIT_WRONG_USE if wrong else EXIT_PROBLEM if has_problem else 0)

"""`winnow run`: the edge box."""

from pathlib import Path
from typing import Annotated

import typer

from winnow.cli.console import error_console


def run(
    config: Annotated[Path, typer.Option("-c", "--config", help="The edge's settings.")] = Path("edge.yaml"),
    *,
    log_level: Annotated[str, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = "INFO",
) -> None:
    """Watch the cameras of the settings and send what happens to the broker.

    Accepted events wait in the spool until the gateway confirms that they are stored, through restarts of anything.
    Ctrl-C or SIGTERM ends open objects, sends what it can, and exits within 10 seconds; a second one exits at once.
    Log lines are readable on a terminal and JSON elsewhere.

    [bold]Examples[/]

      winnow check -c edge.yaml && winnow run -c edge.yaml
    """
    from winnow.cli.check import load_edge_settings  # noqa: PLC0415 - keeps `winnow --help` fast
    from winnow.cli.run_node import run_node  # noqa: PLC0415
    from winnow.runtime.logs import configure_logging  # noqa: PLC0415

    settings = load_edge_settings(config)
    configure_logging(log_level.upper())
    problems = run_node(config, settings)
    for problem in problems:
        error_console().print(f"[bold red]error:[/] {problem}", soft_wrap=True)
    raise typer.Exit(1 if problems else 0)

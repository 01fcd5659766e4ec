"""`winnow run`: the edge box."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from winnow.cli.console import error_console
from winnow.cli.start_logging import LogFormat, LogFormatOption, LogLevelOption, start_logging


def run(
    config: Annotated[Path, typer.Option("-c", "--config", help="The edge's settings.")] = Path("edge.yaml"),
    *,
    log_level: LogLevelOption = "INFO",
    log_format: LogFormatOption = LogFormat.AUTO,
) -> None:
    """Watch the cameras of the settings and send what happens to the broker.

    Accepted events wait in the spool until the gateway confirms that they are stored, through restarts of anything.
    Ctrl-C or SIGTERM ends open objects, sends what it can, and exits within 10 seconds; a second one exits at once.

    The settings file is read again when it changes, on SIGHUP and on the MQTT command `reload`: cameras come, go and
    look in another way without a restart, and a file that is wrong changes nothing. Log lines are readable on a
    terminal and JSON elsewhere; metrics are on http://127.0.0.1:9464/metrics.

    [bold]Examples[/]

      winnow check -c edge.yaml && winnow doctor -c edge.yaml && winnow run -c edge.yaml
      winnow run -c /etc/winnow/edge.yaml --log-level WARNING --log-format json
    """
    from winnow.cli.check import load_edge_settings  # noqa: PLC0415 - keeps `winnow --help` fast
    from winnow.cli.run_node import run_node  # noqa: PLC0415

    settings = load_edge_settings(config)
    start_logging(log_level, log_format)
    done = run_node(config, settings, os.environ)
    console = error_console()
    if console.is_terminal:
        console.print(done.summary.table())
    for problem in done.problems:
        console.print(f"[bold red]error:[/] {escape(problem)}", soft_wrap=True)
    raise typer.Exit(1 if done.problems else 0)

"""`winnow demo`: the whole way on one machine."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    video: Annotated[
        Path | None, typer.Argument(metavar="[VIDEO]", help="Footage of your own; by default people in a street.")
    ] = None,
    *,
    port: Annotated[int, typer.Option(help="Port of the web page; 0 picks a free one.", min=0, max=65535)] = 8080,
    exit_when_done: Annotated[
        bool, typer.Option("--exit-when-done", help="End after the clip instead of keeping the page up.")
    ] = False,
) -> None:
    """Show real footage turn into events: edge, broker, gateway, database and web page in one process tree.

    Needs no root, no Docker, no network. Everything listens on 127.0.0.1 only and is gone when the demo ends. The page
    asks for a login; the link that is printed logs you in, once.

    [bold]Examples[/]

      winnow demo
      winnow demo holiday.mp4 --port 9000
    """
    from winnow.cli.demo_run import run_demo  # noqa: PLC0415 - keeps `winnow --help` fast

    raise typer.Exit(run_demo(video, port=port, exits_when_done=exit_when_done))

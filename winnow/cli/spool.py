"""`winnow spool`: the keys of what waits on the box."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look after what waits on the box.")


@app.callback()
def spool() -> None:
    """Look after what waits on the box."""


@app.command("rotate-key")
def rotate_key(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings of the edge.")] = None,
    *,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", help="This file instead, for a key that becomes a credential.")
    ] = None,
) -> None:
    """Make a new key, or the first one. It seals what is accepted from the edge's next start on.

    Older keys stay in the file as long as something that they sealed waits; where the edge runs, all of them stay.

    [bold]Examples[/]

      winnow spool rotate-key -c edge.yaml
      winnow spool rotate-key --key-file spool.key
    """
    from winnow.cli.spool_run import run_rotate_key  # noqa: PLC0415 - keeps `winnow --help` fast

    run_rotate_key(config, key_file)

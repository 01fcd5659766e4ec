"""The `winnow` command with everything below it."""

from typing import Annotated

import typer

from winnow import __version__
from winnow.cli import (
    check,
    demo,
    doctor,
    gateway,
    loadgen,
    models,
    pki,
    replay,
    run,
    sink,
    spool,
    tail,
    tokens,
    users,
    zones,
)

app = typer.Typer(
    name="winnow",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Edge video analytics: cameras in, events out, video never leaves the box.\n\n"
    "[bold]winnow demo[/] shows the whole way on this machine. "
    "[bold]winnow run[/] is the edge box, [bold]winnow tail[/] follows its events, "
    "[bold]winnow replay[/] does the same with recorded footage.",
)

app.command(rich_help_panel="Everyday use")(demo.demo)
app.command(rich_help_panel="Everyday use")(run.run)
app.command(rich_help_panel="Everyday use")(tail.tail)
app.command(rich_help_panel="Everyday use")(replay.replay)
app.command(rich_help_panel="Setting up")(check.check)
app.command(rich_help_panel="Setting up")(zones.zones)
app.command(rich_help_panel="Setting up")(doctor.doctor)
app.add_typer(spool.app, name="spool", rich_help_panel="Setting up")
app.add_typer(models.app, name="models", rich_help_panel="Setting up")
app.add_typer(pki.app, name="pki", rich_help_panel="Setting up")
app.command(rich_help_panel="Between edge and cloud")(gateway.gateway)
app.command(rich_help_panel="Between edge and cloud")(sink.sink)
app.command(rich_help_panel="Between edge and cloud")(loadgen.loadgen)
app.add_typer(users.app, name="users", rich_help_panel="Between edge and cloud")
app.add_typer(tokens.app, name="tokens", rich_help_panel="Between edge and cloud")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer hands the option's value over so
    if wanted:
        typer.echo(f"winnow {__version__}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Hold the options that every command shares."""

"""`winnow tokens`: access for programs that ask the page's API."""

from datetime import timedelta
from typing import Annotated

import typer

from winnow.cli.console import error_console, output_console
from winnow.cli.users import Config, Name, RoleOption, StoreUrl, checked_role_of

app = typer.Typer(no_args_is_help=True, help="Let programs ask the page's API.")


@app.callback()
def tokens() -> None:
    """Let programs ask the page's API."""


@app.command()
def create(
    name: Name,
    role: RoleOption = "viewer",
    *,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="It ends after so long. Default: never.")] = None,
    config: Config = None,
    store: StoreUrl = None,
) -> None:
    """Make a token and print it, this once: only its hash is kept.

    [bold]Example[/]

      winnow tokens create grafana -c sink.yaml
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/api/events
    """
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415 - keeps `winnow --help` fast

    with access(config, store) as accounts:
        lasts = None if days is None else timedelta(days=days)
        secret = accounts.tokens.create(name, checked_role_of(role), on_this_machine(), lasts=lasts)
        error_console().print(f"The token of {name}, shown this once:", soft_wrap=True)
        typer.echo(secret)


@app.command("list")
def list_tokens(*, config: Config = None, store: StoreUrl = None) -> None:
    """List who has one, and when it was used last."""
    from winnow.cli.access_store import access  # noqa: PLC0415

    with access(config, store) as accounts:
        for token in accounts.tokens.all():
            used = f"used {token.used_at:%Y-%m-%d %H:%M}Z" if token.used_at else "never used"
            ends = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for good"
            output_console().print(f"{token.name:<24} {token.role:<8} {ends}, {used}", soft_wrap=True)


@app.command()
def revoke(name: Name, *, config: Config = None, store: StoreUrl = None) -> None:
    """Let a program in no more, from its next question on."""
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415

    with access(config, store) as accounts:
        accounts.tokens.revoke(name, on_this_machine())

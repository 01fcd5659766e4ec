"""`winnow users`: people who may log in to the page."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import error_console, fail, output_console

if TYPE_CHECKING:
    from winnow.cloud_sink.access import Role

app = typer.Typer(no_args_is_help=True, help="Let people log in to the page, and see who did what.")

Config = Annotated[str | None, typer.Option("--config", "-c", metavar="FILE", help="The settings of the sink.")]
StoreUrl = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Its store instead: sqlite:///PATH or postgresql://…")
]
Name = Annotated[str, typer.Argument(metavar="NAME")]
RoleOption = Annotated[str, typer.Option(metavar="ROLE", help="viewer looks; admin also gives and takes access.")]
Ask = Annotated[bool, typer.Option("--ask", help="Type the password instead of having one made; or pipe it in.")]


@app.callback()
def users() -> None:
    """Let people log in to the page, and see who did what."""


@app.command()
def add(
    name: Name, role: RoleOption = "viewer", *, ask: Ask = False, config: Config = None, store: StoreUrl = None
) -> None:
    """Let somebody log in. A password is made and shown this once.

    [bold]Examples[/]

      winnow users add alice -c sink.yaml
      winnow users add admin --role admin --ask --store sqlite:///winnow.db
    """
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415 - keeps `winnow --help` fast

    with access(config, store) as accounts:
        password, is_shown = _password(ask)
        accounts.add_user(name, checked_role_of(role), password, on_this_machine())
        _show(name, password, is_shown)


@app.command("list")
def list_users(*, config: Config = None, store: StoreUrl = None) -> None:
    """List who may log in."""
    from winnow.cli.access_store import access  # noqa: PLC0415

    with access(config, store) as accounts:
        for user in accounts.users():
            output_console().print(f"{user.name:<24} {user.role:<8} since {user.created_at:%Y-%m-%d}", soft_wrap=True)


@app.command()
def password(name: Name, *, ask: Ask = False, config: Config = None, store: StoreUrl = None) -> None:
    """Give somebody a new password, made and shown this once; they are logged out everywhere."""
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415

    with access(config, store) as accounts:
        secret, is_shown = _password(ask)
        accounts.set_password(name, secret, on_this_machine())
        _show(name, secret, is_shown)


@app.command()
def logout(name: Name, *, config: Config = None, store: StoreUrl = None) -> None:
    """Log somebody out everywhere, such as on a machine that was lost; the password stays good."""
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415

    with access(config, store) as accounts:
        accounts.log_out_everywhere(name, on_this_machine())


@app.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer or admin.")],
    *,
    config: Config = None,
    store: StoreUrl = None,
) -> None:
    """Make somebody a viewer or an admin."""
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415

    with access(config, store) as accounts:
        accounts.set_role(name, checked_role_of(role), on_this_machine())


@app.command()
def remove(name: Name, *, config: Config = None, store: StoreUrl = None) -> None:
    """Let somebody log in no more; they are logged out everywhere."""
    from winnow.cli.access_store import access, on_this_machine  # noqa: PLC0415

    with access(config, store) as accounts:
        accounts.remove_user(name, on_this_machine())


@app.command()
def audit(
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=1000, help="At most so many.")] = 50,
    config: Config = None,
    store: StoreUrl = None,
) -> None:
    """Show logins and changes of access: when, who, what, to whom, from where. The newest line is the last."""
    from winnow.cli.access_store import access  # noqa: PLC0415

    with access(config, store) as accounts:
        for line in reversed(accounts.audit_lines(lines)):
            told = f"{line.at:%Y-%m-%d %H:%M:%S}Z  {line.who:<20} {line.what} {line.about}".rstrip()
            output_console().print(f"{told}  from {line.origin}", soft_wrap=True, markup=False, highlight=False)


def _password(ask: bool) -> tuple[str, bool]:  # noqa: FBT001 - the option's value
    """Return a password, and whether it must be shown."""
    from winnow.cloud_sink.access import new_password  # noqa: PLC0415

    if not ask:
        return new_password(), True
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n"), False
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)), False


def _show(name: str, secret: str, is_shown: bool) -> None:  # noqa: FBT001 - what `_password` said
    if is_shown:
        error_console().print(f"{name} logs in with this password, which is shown this once:", soft_wrap=True)
        typer.echo(secret)


def checked_role_of(text: str) -> "Role":
    """Return the role; ends the command if there is none of that name."""
    from winnow.cloud_sink.access import AccessError  # noqa: PLC0415
    from winnow.cloud_sink.access.people import checked_role  # noqa: PLC0415

    try:
        return checked_role(text)
    except AccessError as exc:
        fail(str(exc))

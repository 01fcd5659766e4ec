"""`winnow pki`: certificates for people who have no authority of their own."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from winnow.cli.console import error_console, fail, output_console

if TYPE_CHECKING:
    from winnow.cli.certificates import Authority, Entry

DAYS: Final = 90
HINT: Final = "pip install 'winnow[pki]'"
HERE: Final = Path("winnow-pki")

app = typer.Typer(
    no_args_is_help=True,
    help="Make and withdraw the certificates by which nodes, gateways and servers know each other.\n\n"
    "Everything is in one folder. Keep it on a machine that no camera network reaches, and keep a backup: whoever has "
    "its ca-key.pem can be anybody.",
)

Folder = Annotated[Path, typer.Option("--dir", help="The authority's folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Days = Annotated[int, typer.Option(min=1, max=825, help="How long the certificate is valid.")]
Replace = Annotated[bool, typer.Option("--replace", help="Overwrite the files of this name; its old key is gone then.")]


@app.command()
def init(
    folder: Folder = HERE,
    name: Annotated[str, typer.Option(help="What the authority is called.")] = "Winnow authority",
    *,
    as_json: AsJson = False,
) -> None:
    """Make an authority: its key, its certificate, and an empty list of revoked certificates.

    It is valid for ten years. An authority that is there already is never overwritten.

    [bold]Example[/]

      winnow pki init --dir ~/winnow-pki
    """
    with _explained():
        from winnow.cli.certificates import Authority  # noqa: PLC0415

        made = Authority.create(folder, name, datetime.now(UTC))
    if as_json:
        typer.echo(json.dumps({"dir": str(folder), "not_after": made.not_after.isoformat()}))
        return
    said = f"[green]Authority made in {folder}[/], valid until {made.not_after:%Y-%m-%d}. Keep a backup of it."
    error_console().print(said, soft_wrap=True)
    error_console().print("Next: winnow pki server HOST, winnow pki gateway, winnow pki node NAME")


def _issuing(role: str, said: str, help_text: str, default: Any = ...) -> None:
    """Add the command that makes key and certificate of somebody who is no server; it is called like the role."""

    def issue(
        name: Annotated[str, typer.Argument(metavar="NAME", help=said)] = default,
        folder: Folder = HERE,
        days: Days = DAYS,
        *,
        replace: Replace = False,
        as_json: AsJson = False,
    ) -> None:
        _issue(folder, name, role, (), days=days, replace=replace, as_json=as_json)

    app.command(role, help=help_text)(issue)


_issuing(
    "node",
    "`node` in the box's edge.yaml.",
    "Make key and certificate of one edge box.\n\n"
    "Copy the folder NAME to the box, and name its three files under [bold]mqtt.tls[/] in edge.yaml.\n\n"
    "[bold]Example[/]\n\n  winnow pki node shop-1",
)
_issuing(
    "gateway",
    "gateway, or gateway-SOMETHING for a second one.",
    "Make key and certificate with which a gateway logs in to the MQTT broker.\n\n"
    "The broker's access rules name each gateway: see deploy/mosquitto-acl.",
    "gateway",
)
_issuing(
    "operator",
    "operator, or operator-SOMETHING, one a person.",
    "Make key and certificate of a person who follows events on the MQTT broker and sends commands to nodes.\n\n"
    "The broker's access rules name each operator: see deploy/mosquitto-acl.",
    "operator",
)
_issuing(
    "sink",
    "sink, or sink-SOMETHING for a second one.",
    "Make key and certificate with which a sink logs in to PostgreSQL, or to a Kafka that asks for a certificate.",
    "sink",
)


@app.command()
def server(  # noqa: PLR0913 - the options of a command
    name: Annotated[str, typer.Argument(metavar="HOST", help="The name by which clients reach the server.")],
    also: Annotated[
        list[str] | None, typer.Option("--also", metavar="HOST", help="A further name or address; may be repeated.")
    ] = None,
    folder: Folder = HERE,
    days: Days = DAYS,
    *,
    replace: Replace = False,
    as_json: AsJson = False,
) -> None:
    """Make key and certificate of a server: MQTT broker, Kafka, PostgreSQL or the web page.

    [bold]Example[/]

      winnow pki server mqtt.example.com --also 192.0.2.7
    """
    hosts = tuple(dict.fromkeys((name, *(also or ()))))
    _issue(folder, name, "server", hosts, days=days, replace=replace, as_json=as_json)


@app.command()
def renew(  # noqa: PLR0913 - the options of a command
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Whose; left out: see --within.")] = None,
    within: Annotated[
        int | None, typer.Option(metavar="DAYS", help="Everybody whose certificate ends within so many days.")
    ] = None,
    folder: Folder = HERE,
    days: Days = DAYS,
    *,
    new_key: Annotated[bool, typer.Option("--new-key", help="Replace the key as well.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a new certificate for somebody who has one; it takes the place of the old file.

    Copy it over the old one on its machine: edge and gateway notice and connect anew with it, and no event is lost. The
    old certificate stays good until it ends; [bold]revoke[/] withdraws it.

    [bold]Examples[/]

      winnow pki renew shop-1
      winnow pki renew --within 30
    """
    if (name is None) == (within is None):
        fail("give a NAME, or --within DAYS")
    with _explained():
        from winnow.cli.certificates import Authority  # noqa: PLC0415

        authority, now = Authority(folder), datetime.now(UTC)
        names = [name] if name is not None else _ending(authority, now, within or 0)
        renewed = [authority.renew(one, now, days=days, with_new_key=new_key) for one in names]
        _tell(authority, renewed, "replaced", as_json=as_json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who shall not be let in any more.")],
    folder: Folder = HERE,
    *,
    as_json: AsJson = False,
) -> None:
    """Withdraw every certificate of a name, and write the list of revoked certificates anew.

    It takes effect when the broker has the new crl.pem: copy it there and reload the broker (SIGHUP). A connection
    that is open stays open: restart the broker to end it at once.
    """
    with _explained():
        from winnow.cli.certificates import Authority  # noqa: PLC0415

        withdrawn = Authority(folder).revoke(name, datetime.now(UTC))
    crl = folder / "crl.pem"
    if as_json:
        serials = [entry.serial for entry in withdrawn]
        typer.echo(json.dumps({"name": name, "revoked": serials, "crl": str(crl)}))
        return
    word = "certificate" if len(withdrawn) == 1 else "certificates"
    error_console().print(f"{name}: {len(withdrawn)} {word} revoked; replaced: {crl}", soft_wrap=True)
    error_console().print("Copy it to the MQTT broker and reload it there; until then nothing has changed.")


@app.command("list")
def list_certificates(folder: Folder = HERE, *, as_json: AsJson = False) -> None:
    """Show the newest certificate of each name: role, end, state."""
    with _explained():
        from winnow.cli.certificates import Authority  # noqa: PLC0415

        entries, now = Authority(folder).current(), datetime.now(UTC)
    if as_json:
        typer.echo(json.dumps([_as_json(entry, now) for entry in entries], indent=2))
        return
    from rich.table import Table  # noqa: PLC0415

    table = Table("name", "role", "valid until", "days left", "state", box=None, header_style="bold", pad_edge=False)
    for entry in entries:
        left = max(0, (entry.not_after - now).days)
        table.add_row(entry.name, entry.role, f"{entry.not_after:%Y-%m-%d}", str(left), entry.state(now))
    output_console().print(table)


def _issue(  # noqa: PLR0913 - the options of five commands
    folder: Path, name: str, role: str, hosts: Sequence[str], *, days: int, replace: bool, as_json: bool
) -> None:
    with _explained():
        from winnow.cli.certificates import Authority, Role  # noqa: PLC0415

        authority, existed = Authority(folder), (folder / name).exists()
        entry = authority.issue(name, Role(role), datetime.now(UTC), hosts=hosts, days=days, replace_files=replace)
        _tell(authority, [entry], "replaced" if existed else "written", as_json=as_json)


def _ending(authority: "Authority", now: datetime, days: int) -> list[str]:
    limit = now + timedelta(days=days)
    return [entry.name for entry in authority.current() if entry.revoked_at is None and entry.not_after <= limit]


def _tell(authority: "Authority", entries: Sequence["Entry"], verb: str, *, as_json: bool) -> None:
    if as_json:
        now = datetime.now(UTC)
        files = [[str(path) for path in authority.files_of(entry)] for entry in entries]
        told = [{**_as_json(entry, now), "files": names} for entry, names in zip(entries, files, strict=True)]
        typer.echo(json.dumps(told, indent=2))
        return
    console = error_console()
    for entry in entries:
        console.print(f"[green]{entry.name}[/] ({entry.role}) valid until {entry.not_after:%Y-%m-%d}; {verb}:")
        for path in authority.files_of(entry):
            console.print(f"  {path}", soft_wrap=True)
    if not entries:
        console.print("Nothing to renew.")


def _as_json(entry: "Entry", now: datetime) -> dict[str, object]:
    return {
        "name": entry.name,
        "role": entry.role.value,
        "serial": entry.serial,
        "hosts": list(entry.hosts),
        "not_after": entry.not_after.isoformat(),
        "state": entry.state(now),
    }


@contextmanager
def _explained() -> Iterator[None]:
    """End the command with one line if it cannot be done."""
    try:
        from winnow.cli.certificates import PkiError  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        fail(f"{exc.name} is not installed; {HINT}")
    try:
        yield
    except PkiError as exc:
        fail(str(exc))

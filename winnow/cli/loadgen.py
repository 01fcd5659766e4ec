"""`winnow loadgen`: the traffic of many edge boxes, to see what a broker, a gateway and a database carry."""

import asyncio
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from winnow.cli.console import error_console, fail

if TYPE_CHECKING:
    from winnow.cli.loadgen_traffic import Ledger
    from winnow.runtime.mqtt import MqttSettings

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
EXIT_MISSING: Final = 1
PASSWORD: Final = "WINNOW_MQTT_PASSWORD"  # noqa: S105 - the name of a variable


def loadgen(  # noqa: PLR0913 - one parameter an option
    url: Annotated[str, typer.Option("--url", help="The broker; mqtts:// with TLS.")] = "mqtt://127.0.0.1:1883",
    *,
    nodes: Annotated[int, typer.Option(min=1, max=9999, help="Edge boxes that speak.")] = 100,
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Messages a second of all nodes together.")] = 200,
    size: Annotated[int, typer.Option(min=600, max=15_000, help="Bytes of an event, or of a thumbnail's image.")] = 600,
    burst: Annotated[int, typer.Option(min=1, max=10_000, help="Messages that come at once.")] = 1,
    duration: Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds of traffic.")] = 10,
    thumbnails: Annotated[float, typer.Option(min=0, max=1, help="Share of thumbnails.")] = 0.1,
    settle: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for the last receipts.")] = 30,
    ca_file: Annotated[
        Path | None,
        typer.Option(envvar="WINNOW_MQTT_CA_FILE", help="Who vouches for the broker; the system's own if absent."),
    ] = None,
    certificate_file: Annotated[
        Path | None, typer.Option(envvar="WINNOW_MQTT_CERTIFICATE_FILE", help="Client certificate (PEM).")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(envvar="WINNOW_MQTT_KEY_FILE", help="Key of the client certificate (PEM).")
    ] = None,
    username: Annotated[
        str | None, typer.Option(envvar="WINNOW_MQTT_USERNAME", help="Login, if the broker asks for one.")
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option(envvar="WINNOW_MQTT_PASSWORD_FILE", help=f"Holds the password alone; or set {PASSWORD}."),
    ] = None,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Allow a broker on another machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Send the traffic of many edge boxes to a broker, and check that each message is receipted.

    What has no receipt after 5 s is sent again, no faster than --rate. It stops by itself; the exit code is 1 if
    receipts are missing. What it sends is stored: use a broker and a database of their own.

    The broker must let one client write for nodes called load-0000, load-0001, … and read their receipts: with
    certificates that is a rule of its own (docs/gateway.md). No option takes a password, as everybody on the machine
    can read a command line.

    [bold]Examples[/]

      winnow loadgen --nodes 2000 --rate 1000 --duration 60
      winnow loadgen --burst 500 --thumbnails 0.3 --json
      winnow loadgen --url mqtts://localhost:8883 --ca-file ca.pem --certificate-file load.pem --key-file load-key.pem
    """
    from winnow.cli.loadgen_run import LoadGenerator  # noqa: PLC0415 - keeps `winnow --help` fast
    from winnow.cli.loadgen_traffic import Shape  # noqa: PLC0415
    from winnow.runtime.credentials import without_logins  # noqa: PLC0415
    from winnow.runtime.settings import SettingsError  # noqa: PLC0415
    from winnow.runtime.stopping import stop_on_signals  # noqa: PLC0415

    if urlsplit(url).hostname not in LOOPBACK and not anywhere:
        fail(f"{without_logins(url)} is not this machine; add --anywhere if its owner agrees")
    settings = _settings(url, (ca_file, certificate_file, key_file), username, password_file)
    password = os.environ.get(PASSWORD) if password_file is None else None
    if username is None and (password or password_file):
        fail("there is a password and no --username")
    shape = Shape(
        nodes=nodes, rate_per_s=rate, size_bytes=size, burst=burst, duration_s=duration, thumbnails=thumbnails
    )

    async def generate() -> dict[str, object]:
        with stop_on_signals() as stopping:
            generator = LoadGenerator(settings, shape, password=password, settle_s=settle, progress=_tell)
            return await generator.run(stopping)

    try:
        summary = asyncio.run(generate())
    except SettingsError as exc:
        fail(str(exc))
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        for name, figure in summary.items():
            typer.echo(f"{name:18} {figure}")
    complete = summary["accepted"] == summary["wanted"] and not summary["missing"]
    raise typer.Exit(0 if complete else EXIT_MISSING)


def _settings(
    url: str, files: tuple[Path | None, Path | None, Path | None], username: str | None, password_file: Path | None
) -> "MqttSettings":
    from pydantic import ValidationError  # noqa: PLC0415

    from winnow.runtime.mqtt import MqttSettings  # noqa: PLC0415
    from winnow.runtime.tls import TlsSettings  # noqa: PLC0415

    if any(files) and urlsplit(url).scheme != "mqtts":
        fail("certificates are given, and --url is not encrypted; write mqtts://HOST:PORT")
    ca_file, certificate_file, key_file = files
    tls = TlsSettings(ca_file=ca_file, certificate_file=certificate_file, key_file=key_file)
    try:
        return MqttSettings(url=url, username=username, password_file=password_file, tls=tls)
    except ValidationError as exc:
        fail(f"--url: {exc.errors()[0]['msg'].removeprefix('Value error, ')}")


def _tell(ledger: "Ledger") -> None:
    error_console().print(
        f"{ledger.accepted} accepted, {ledger.receipted} receipted, {ledger.retried} sent again", soft_wrap=True
    )

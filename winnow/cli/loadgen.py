"""`winnow loadgen`: the traffic of many edge boxes, to see what a broker, a gateway and a database carry."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from winnow.cli.console import error_console, fail

if TYPE_CHECKING:
    from winnow.cli.loadgen_traffic import Ledger

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
EXIT_MISSING: Final = 1


def loadgen(  # noqa: PLR0913 - one parameter an option
    url: Annotated[str, typer.Option("--url", help="The broker.")] = "mqtt://127.0.0.1:1883",
    *,
    nodes: Annotated[int, typer.Option(min=1, max=9999, help="Edge boxes that speak.")] = 100,
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Messages a second of all nodes together.")] = 200,
    size: Annotated[int, typer.Option(min=600, max=15_000, help="Bytes of an event, or of a thumbnail's image.")] = 600,
    burst: Annotated[int, typer.Option(min=1, max=10_000, help="Messages that come at once.")] = 1,
    duration: Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds of traffic.")] = 10,
    thumbnails: Annotated[float, typer.Option(min=0, max=1, help="Share of thumbnails.")] = 0.1,
    settle: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for the last receipts.")] = 30,
    anywhere: Annotated[bool, typer.Option("--anywhere", help="Allow a broker on another machine.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Send the traffic of many edge boxes to a broker, and check that each message is receipted.

    What has no receipt after 5 s is sent again, as an edge box does. It stops by itself; the exit code is 1 if receipts
    are missing. What it sends is stored: use a broker and a database of their own.

    [bold]Examples[/]

      winnow loadgen --nodes 2000 --rate 1000 --duration 60
      winnow loadgen --burst 500 --thumbnails 0.3 --json
    """
    from winnow.cli.loadgen_run import LoadGenerator  # noqa: PLC0415 - keeps `winnow --help` fast
    from winnow.cli.loadgen_traffic import Shape  # noqa: PLC0415
    from winnow.runtime.mqtt import MqttSettings  # noqa: PLC0415
    from winnow.runtime.stopping import stop_on_signals  # noqa: PLC0415

    if urlsplit(url).hostname not in LOOPBACK and not anywhere:
        fail(f"{url} is not this machine; add --anywhere if its owner agrees")
    try:
        settings = MqttSettings(url=url)
    except ValueError as exc:
        fail(f"--url: {exc}")
    shape = Shape(
        nodes=nodes, rate_per_s=rate, size_bytes=size, burst=burst, duration_s=duration, thumbnails=thumbnails
    )

    async def generate() -> dict[str, object]:
        with stop_on_signals() as stopping:
            return await LoadGenerator(settings, shape, settle_s=settle, progress=_tell).run(stopping)

    summary = asyncio.run(generate())
    if as_json:
        typer.echo(json.dumps(summary))
    else:
        for name, figure in summary.items():
            typer.echo(f"{name:18} {figure}")
    complete = summary["accepted"] == summary["wanted"] and not summary["missing"]
    raise typer.Exit(0 if complete else EXIT_MISSING)


def _tell(ledger: "Ledger") -> None:
    error_console().print(
        f"{ledger.accepted} accepted, {ledger.receipted} receipted, {ledger.retried} sent again", soft_wrap=True
    )

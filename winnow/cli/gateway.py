"""`winnow gateway`: MQTT in, Kafka or a database out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import error_console, fail
from winnow.cli.start_logging import LogFormat, LogFormatOption, LogLevelOption, start_logging

if TYPE_CHECKING:
    from winnow.gateway.settings import GatewaySettings


def gateway(
    config: Annotated[Path, typer.Option("-c", "--config", help="The gateway's settings.")] = Path("gateway.yaml"),
    *,
    check: Annotated[bool, typer.Option("--check", help="Validate the settings and exit.")] = False,
    log_level: LogLevelOption = "INFO",
    log_format: LogFormatOption = LogFormat.AUTO,
) -> None:
    """Take events from the MQTT broker, store them in Kafka (or straight in a database), and send receipts.

    Nothing is acknowledged before it is stored; what cannot be read becomes a dead letter. While the destination is
    down, messages wait in the broker and in the edges. Ctrl-C or SIGTERM ends it within 10 seconds, in every state.

    [bold]Examples[/]

      winnow gateway -c gateway.yaml --check
      winnow gateway -c gateway.yaml
    """
    from winnow.cli.gateway_run import run_gateway  # noqa: PLC0415 - keeps `winnow --help` fast

    settings = _load(config)
    if check:
        error_console().print(f"[green]{config} is right[/]", soft_wrap=True)
        return
    start_logging(log_level, log_format)
    raise typer.Exit(run_gateway(settings))


def _load(config: Path) -> "GatewaySettings":
    from winnow.gateway.settings import GatewaySettings  # noqa: PLC0415
    from winnow.runtime.settings import SettingsError, load_settings  # noqa: PLC0415

    try:
        return load_settings(config, GatewaySettings)
    except SettingsError as exc:
        fail(str(exc))

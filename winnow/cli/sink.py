"""`winnow sink`: Kafka in, database and web page out."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from winnow.cli.console import error_console, fail
from winnow.cli.start_logging import LogFormat, LogFormatOption, LogLevelOption, start_logging

if TYPE_CHECKING:
    from winnow.cloud_sink.settings import PageSettings


def sink(
    *,
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The sink's settings (YAML); an empty file takes every default.")
    ],
    http: Annotated[
        str | None,
        typer.Option("--http", metavar="HOST:PORT", help="Serve the web page there, e.g. 127.0.0.1:8080."),
    ] = None,
    log_level: LogLevelOption = "INFO",
    log_format: LogFormatOption = LogFormat.AUTO,
) -> None:
    """Store what Kafka holds in SQLite or PostgreSQL, watch for gaps, and show it on a web page.

    Runs until Ctrl-C or SIGTERM. A Kafka or a database that is down is waited for. What is stored, is stored
    once, however often this or anything before it is killed.
    """
    import logging  # noqa: PLC0415 - keeps `winnow --help` fast
    import sys  # noqa: PLC0415

    from winnow.cloud_sink.service import run_sink  # noqa: PLC0415
    from winnow.cloud_sink.settings import SinkSettings  # noqa: PLC0415
    from winnow.cloud_sink.store import StoreError  # noqa: PLC0415
    from winnow.runtime.clock import SystemClock  # noqa: PLC0415
    from winnow.runtime.settings import SettingsError, load_settings  # noqa: PLC0415
    from winnow.runtime.stopping import end_in_time, stop_on_signals  # noqa: PLC0415

    try:
        settings = load_settings(config, SinkSettings)
        if http is not None:
            settings = settings.model_copy(update={"http": parse_page_address(http)})
        start_logging(log_level, log_format)
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters of it, the consumer says itself
        with stop_on_signals() as stopping:
            end_in_time(stopping)  # nothing is lost by an abrupt end: a write that is cut off is rolled back
            run_sink(settings, stopping, SystemClock(), show_password if sys.stderr.isatty() else None)
    except (SettingsError, StoreError) as exc:
        fail(str(exc))
    except OSError as exc:
        fail(f"a port or a file cannot be used: {exc}")


def show_password(name: str, password: str) -> None:
    """Show on the terminal what is kept nowhere else, and never in a log."""
    told = error_console()
    told.print(f"[bold]Log in as[/] {name} [bold]with the password[/] {password}", soft_wrap=True)
    told.print(f"It is shown this once; `winnow users password {name}` makes a new one.", soft_wrap=True)


def parse_page_address(text: str) -> "PageSettings":
    """Return where the page is to be served; `fail` if `text` is not HOST:PORT."""
    from pydantic import ValidationError  # noqa: PLC0415

    from winnow.cloud_sink.settings import PageSettings  # noqa: PLC0415

    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit()):
        fail(f"--http {text}: write HOST:PORT, e.g. 127.0.0.1:8080")
    try:
        return PageSettings(host=host.strip("[]"), port=int(port))
    except ValidationError:
        fail(f"--http {text}: a port is a number from 0 to 65535")

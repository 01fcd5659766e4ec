"""Starts a command's log: as the options and the environment say."""

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from winnow.cli.console import fail

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class LogFormat(StrEnum):
    """What log lines look like."""

    AUTO = "auto"
    TEXT = "text"
    JSON = "json"


LogLevelOption = Annotated[str, typer.Option("--log-level", help="DEBUG, INFO, WARNING or ERROR.")]
LogFormatOption = Annotated[
    LogFormat, typer.Option("--log-format", help="auto: readable on a terminal, JSON everywhere else.")
]


def start_logging(level: str, log_format: LogFormat = LogFormat.AUTO) -> None:
    """Send log records to standard error; ends the command if there is no such level."""
    from winnow.runtime.logs import configure_logging, log_style  # noqa: PLC0415 - keeps `winnow --help` fast

    if level.upper() not in LEVELS:
        fail(f"--log-level {level}: choose one of {', '.join(LEVELS)}")
    style = log_style(log_format.value, os.environ, sys.stderr)
    configure_logging(level.upper(), sys.stderr, style=style)

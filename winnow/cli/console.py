"""Where the commands write: results to standard output, everything else to standard error."""

from typing import Final, NoReturn

import typer
from rich.console import Console

EXIT_WRONG_USE: Final = 2
"""Exit code for a wrong argument, setting or file."""


def error_console() -> Console:
    """Return a console on standard error."""
    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """Return a console on standard output; plain text when it is not a terminal."""
    return Console(highlight=False)


def fail(message: str, code: int = EXIT_WRONG_USE) -> NoReturn:
    """Print `error: message` on standard error and end the command with `code`."""
    error_console().print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)
    raise typer.Exit(code)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")

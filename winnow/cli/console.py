"""Where the commands write: results to standard output, everything else to standard error."""

from typing import Final, NoReturn

import typer
from rich.console import Console

EXIT_WRONG_USE: Final = 2
"""Exit code for a wrong argument, setting or file."""

EXIT_BROKEN_PIPE: Final = 141
"""Exit code when the reader of the output went away (128 + SIGPIPE)."""


class PipeConsole(Console):
    """A console whose reader may go away (`| head`): the caller decides what that means."""

    def on_broken_pipe(self) -> None:
        """Pass the error on; rich itself would end the process with a failure."""
        raise BrokenPipeError


def error_console() -> Console:
    """Return a console on standard error."""
    return Console(stderr=True, highlight=False)


def output_console() -> Console:
    """Return a console on standard output; plain text when it is not a terminal."""
    return PipeConsole(highlight=False)


def counted(count: int, thing: str) -> str:
    """Return `1 zone`, `2 zones`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def fail(message: str, code: int = EXIT_WRONG_USE) -> NoReturn:
    """Print `error: message` on standard error and end the command with `code`."""
    error_console().print(f"[bold red]error:[/] {_escape(message)}", soft_wrap=True)
    raise typer.Exit(code)


def _escape(text: str) -> str:
    return text.replace("[", r"\[")

"""Entry point: `winnow` and `python -m winnow.cli`."""

import sys
from typing import Final

EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells count it."""


def main() -> None:
    """Run the command line; never returns normally. A Ctrl-C is no traceback, whatever is being imported just then."""
    try:
        from winnow.cli.root import app  # noqa: PLC0415 - the import takes most of the time until a command begins

        app()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()

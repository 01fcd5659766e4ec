"""Entry point: `winnow` and `python -m winnow.cli`."""

from winnow.cli.root import app


def main() -> None:
    """Run the command line; never returns normally."""
    app()


if __name__ == "__main__":
    main()

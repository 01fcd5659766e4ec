"""`python -m benchmarks [NAME …]`: run some or all measurements and print their tables."""

import argparse
import importlib
import pkgutil

from rich.console import Console

import benchmarks


def main() -> None:
    """Run what the command line names, everything if it names nothing."""
    names = sorted(module.name for module in pkgutil.iter_modules(benchmarks.__path__) if module.name != "__main__")
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; all by default")
    chosen = parser.parse_args().names or names
    unknown = set(chosen) - set(names)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    console = Console()
    for name in chosen:
        console.print(importlib.import_module(f"benchmarks.{name}").measure())


if __name__ == "__main__":
    main()

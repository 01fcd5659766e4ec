"""`python3 -m scripts.services`: install, run, start, status and stop the servers that the tests use.

Needs nothing but Python 3.11: it also runs before the project is installed.
"""

import argparse
import os
import shlex
import sys
import time

from scripts.services.background import end_all, recall, remember
from scripts.services.errors import ServerError
from scripts.services.install import install
from scripts.services.parts import REQUIRE_REAL, report
from scripts.services.session import close_all, ended_by_signals, exports, open_all, run_command


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    chosen = _parser().parse_args(arguments)
    try:
        match chosen.action:
            case "install":
                return 0 if install() or not _real_required() else 1
            case "run":
                return run(chosen.command)
            case "start":
                return start()
            case "stop":
                return stop()
            case _:
                return status()
    except ServerError as error:
        _say(str(error))
        return 1


def run(command: list[str]) -> int:
    """Start everything, run a command with the addresses in its environment, end everything; return its exit code."""
    with ended_by_signals():
        began = time.monotonic()
        parts = open_all(os.environ)
        try:
            _say(f"{report(parts)}\n(ready after {time.monotonic() - began:.1f} s)")
            if _real_required() and not all(part.real for part in parts):
                _say(f"{REQUIRE_REAL} is set: nothing is run")
                return 1
            code = run_command(command, {**os.environ, **exports(parts)})
        finally:
            close_all(parts)
    _say(report(parts))
    return code


def start() -> int:
    """Start everything in the background and print the environment variables for a shell's `eval`."""
    servers, known = recall()
    if any(server.alive for server in servers):
        _say("already started; `stop` ends them")
    else:
        end_all()
        parts = open_all(os.environ)
        known = exports(parts)
        remember(parts, known)
        _say(report(parts))
    _print_exports(known)
    return 0


def stop() -> int:
    """End what `start` started."""
    _say(f"ended: {', '.join(end_all()) or 'nothing was running'}")
    return 0


def status() -> int:
    """Print which servers of `start` are alive, and their addresses; return 3 if one is not, as init scripts do."""
    servers, known = recall()
    for server in servers:
        _say(f"{server.name}: {'running' if server.alive else 'gone'}, pid {server.pid}, {server.root}")
    _print_exports(known)
    if not servers:
        _say("nothing was started")
    return 0 if servers and all(server.alive for server in servers) else 3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m scripts.services", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("install", help="fetch what is missing: Debian packages (as root), Kafka's jars (with Maven)")
    runner = actions.add_parser("run", help="start everything, run a command with the addresses in its environment")
    runner.add_argument("command", nargs="+", metavar="COMMAND", help="after --: the command and its arguments")
    actions.add_parser("start", help='start everything in the background; use as: eval "$(… start)"')
    actions.add_parser("status", help="say what is running, and where")
    actions.add_parser("stop", help="end what `start` started")
    return parser


def _real_required() -> bool:
    return os.environ.get(REQUIRE_REAL) == "1"


def _print_exports(known: dict[str, str]) -> None:
    for name, value in known.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")


def _say(text: str) -> None:
    sys.stderr.write("".join(f"services: {line}\n" for line in text.splitlines()))
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

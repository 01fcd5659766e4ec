"""`python -m benchmarks [NAME …]`: run some or all measurements, print their tables, say which targets are met."""

import argparse
import importlib
import inspect
import json
import pkgutil
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

import benchmarks
from benchmarks.harness.machine import describe_machine, is_busy
from benchmarks.harness.report import Report


def main() -> int:
    """Run what the command line names, everything if it names nothing; return 1 if a measurement failed to run."""
    names = sorted(
        one.name for one in pkgutil.iter_modules(benchmarks.__path__) if not one.ispkg and one.name[0] != "_"
    )
    arguments = _arguments(names)
    console = Console(stderr=arguments.json)
    machine = describe_machine()
    console.print(machine)
    if is_busy():
        console.print("[yellow]Other programs are running: compare ratios only, and measure again when it is quiet.[/]")
    outcomes: dict[str, dict[str, Any]] = {}
    sections = [f"# Measurements, {datetime.now(UTC):%Y-%m-%d}", f"On: {machine}"]
    for name in arguments.names or names:
        report, took_s = _run(name, arguments.truth, console)
        if report is None:
            outcomes[name] = {"failed": True}
            sections.append(f"## {name}\n\nfailed to run\n")
            continue
        console.print(*report.tables(), *report.notes, f"({took_s:.0f} s)", sep="\n", end="\n\n")
        outcomes[name] = report.as_json()
        sections.append(report.markdown())
    whole = json.dumps({"machine": machine, "measurements": outcomes}, ensure_ascii=False, indent=1)
    if arguments.json:
        sys.stdout.write(whole + "\n")
    if arguments.report is not None:
        arguments.report.mkdir(parents=True, exist_ok=True)
        (arguments.report / "report.json").write_text(whole, encoding="utf-8")
        (arguments.report / "report.md").write_text("\n\n".join(sections), encoding="utf-8")
        console.print(f"Written to {arguments.report}/report.md and report.json")
    return int(any("failed" in outcome for outcome in outcomes.values()))


def _arguments(names: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(names)}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON on standard output, tables on standard error")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.md and report.json there")
    parser.add_argument(
        "--truth", type=Path, metavar="CSV", help="people of the street clip: frame,id,x,y,width,height"
    )
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(names)
    if unknown:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return arguments


def _run(name: str, truth: Path | None, console: Console) -> tuple[Report | None, float]:
    started_s = time.perf_counter()
    console.print(f"[dim]{name} …[/]")
    try:
        measure = importlib.import_module(f"benchmarks.{name}").measure
        outcome = measure(truth) if "truth" in inspect.signature(measure).parameters else measure()
    except Exception:  # noqa: BLE001 - one that fails must not hide the others
        console.print(f"[red]{name} failed:[/]", traceback.format_exc(), markup=True)
        return None, time.perf_counter() - started_s
    report = outcome if isinstance(outcome, Report) else Report.from_table(outcome)
    return report, time.perf_counter() - started_s


if __name__ == "__main__":
    sys.exit(main())

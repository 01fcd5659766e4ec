"""`python -m benchmarks [NAME …]`: run some or all measurements, print their tables, say which targets are met."""

import argparse
import importlib
import inspect
import json
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

import benchmarks
from benchmarks.harness.catalogue import measurements, summary_of
from benchmarks.harness.machine import describe_machine, is_busy
from benchmarks.harness.report import Report, markdown_of_all, target_rows, targets_table
from benchmarks.harness.tools import ToolMissingError
from scripts.services import ServerMissing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """One measurement: its report, or why there is none.

    Attributes:
        name: of the measurement.
        report: None if there is none.
        missing: what has to be installed first; empty if that was not it.
        took_s: time on the clock.
    """

    name: str
    report: Report | None = None
    missing: str = ""
    took_s: float

    def as_json(self) -> dict[str, object]:
        """Return the outcome for programs."""
        said = self.report.as_json() if self.report else {"missing": self.missing} if self.missing else {"failed": True}
        return {**said, "took_s": round(self.took_s, 1)}

    def markdown(self) -> str:
        """Return the outcome as a section of a Markdown file."""
        if self.report is None:
            return f"## {self.name}\n\nnot measured: {self.missing or 'it failed to run'}\n"
        return f"{self.report.markdown()}\n({self.name}, {self.took_s:.0f} s)\n"


def main() -> int:
    """Run what the command line names, everything if it names nothing; return 1 if a measurement failed to run."""
    names = measurements()
    arguments = _arguments(names)
    console = Console(stderr=arguments.json)
    if arguments.list:
        _list(console, names)
        return 0
    machine = describe_machine()
    console.print(machine)
    if is_busy():
        console.print("[yellow]Other programs are running: compare ratios only, and measure again when it is quiet.[/]")
    wanted = arguments.names or names
    outcomes: list[_Outcome] = []
    for number, name in enumerate(wanted, start=1):
        spent_s = sum(one.took_s for one in outcomes)
        console.print(f"[dim]{number} of {len(wanted)}, after {spent_s / 60:.1f} min: {name} …[/]")
        outcomes.append(_run(name, arguments.truth, console))
        _write(outcomes, machine, arguments.report)
    found = target_rows([one.report for one in outcomes if one.report])
    if found:
        console.print(targets_table(found))
    console.print(f"{len(outcomes)} measurements in {sum(one.took_s for one in outcomes) / 60:.1f} min")
    if arguments.report is not None:
        console.print(f"Written to {arguments.report}/report.md and report.json")
    if arguments.json:
        sys.stdout.write(_as_json(outcomes, machine) + "\n")
    return int(any(one.report is None and not one.missing for one in outcomes))


def _arguments(names: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="measurements (see --list); all by default")
    parser.add_argument("--list", action="store_true", help="list the measurements and end")
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


def _list(console: Console, names: Sequence[str]) -> None:
    table = Table("name", "what it measures")
    for name in names:
        table.add_row(name, summary_of(name))
    console.print(table)


def _run(name: str, truth: Path | None, console: Console) -> _Outcome:
    started_s = time.perf_counter()
    try:
        measure = importlib.import_module(f"benchmarks.{name}").measure
        given = measure(truth) if "truth" in inspect.signature(measure).parameters else measure()
    except (ToolMissingError, ServerMissing) as missing:
        console.print(f"[yellow]{name} is not measured:[/]", str(missing), end="\n\n")
        return _Outcome(name=name, missing=str(missing), took_s=time.perf_counter() - started_s)
    except Exception:  # noqa: BLE001 - one that fails must not hide the others
        console.print(f"[red]{name} failed:[/]")
        console.print(traceback.format_exc(), markup=False, highlight=False)
        return _Outcome(name=name, took_s=time.perf_counter() - started_s)
    report = given if isinstance(given, Report) else Report.from_table(given)
    took_s = time.perf_counter() - started_s
    console.print(*report.tables(), *report.notes, f"({took_s:.0f} s)", sep="\n", end="\n\n")
    return _Outcome(name=name, report=report, took_s=took_s)


def _write(outcomes: Sequence[_Outcome], machine: str, folder: Path | None) -> None:
    """Write what there is so far: a run that is broken off leaves the part that it did."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(_as_json(outcomes, machine), encoding="utf-8")
    text = markdown_of_all(
        f"Measurements, {datetime.now(UTC):%Y-%m-%d}",
        machine,
        [one.report for one in outcomes if one.report],
        [one.markdown() for one in outcomes],
    )
    (folder / "report.md").write_text(text, encoding="utf-8")


def _as_json(outcomes: Sequence[_Outcome], machine: str) -> str:
    measured = {one.name: one.as_json() for one in outcomes}
    return json.dumps({"machine": machine, "measurements": measured}, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    sys.exit(main())

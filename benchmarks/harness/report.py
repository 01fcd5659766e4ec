"""What a measurement says: a table, how each target was met, and the conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from rich.table import Table

Bound = Literal["at most", "at least"]
_SIGNS: Final[dict[Bound, str]] = {"at most": "≤", "at least": "≥"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure that the project has set itself, and what this run gave.

    Attributes:
        number: `P1` … `P10`; empty for a figure of the edge's design without a number.
        what: the figure in words, with its unit.
        measured: None where a competitor was missing.
        limit: what it is held against.
        bound: on which side of the limit is good.
    """

    number: str
    what: str
    measured: float | None
    limit: float
    bound: Bound

    @property
    def is_met(self) -> bool | None:
        """Whether the figure keeps the limit; None if it could not be measured."""
        if self.measured is None:
            return None
        return self.measured <= self.limit if self.bound == "at most" else self.measured >= self.limit

    @property
    def verdict(self) -> str:
        """`met`, `missed` or `not measured`."""
        return {True: "met", False: "missed", None: "not measured"}[self.is_met]

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table of targets."""
        measured = "-" if self.measured is None else figure(self.measured)
        return self.number, self.what, measured, f"{_SIGNS[self.bound]} {figure(self.limit)}", self.verdict


TARGET_COLUMNS: Final = ("target", "figure", "measured", "wanted", "verdict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One measurement's outcome.

    Attributes:
        title: what was measured, on which footage, how often.
        columns: the table's head.
        rows: its cells, as they are read by people.
        targets: figures with a limit.
        notes: conditions, and competitors that are missing here with the command that installs them.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = field(default=())
    notes: Sequence[str] = field(default=())

    @classmethod
    def from_table(cls, table: Table) -> "Report":
        """Return the report of a measurement that only draws a table."""
        columns = [str(column.header) for column in table.columns]
        cells = [[str(cell) for cell in column.cells] for column in table.columns]
        return cls(title=str(table.title or ""), columns=columns, rows=list(zip(*cells, strict=True)))

    def tables(self) -> list[Table]:
        """Return what is printed: the figures, then the targets."""
        found = [_drawn(self.title, self.columns, self.rows)]
        if self.targets:
            found.append(_drawn("", TARGET_COLUMNS, [target.cells() for target in self.targets]))
        return found

    def markdown(self) -> str:
        """Return the report as a section of a Markdown file."""
        parts = [f"## {self.title}", _markdown_table(self.columns, self.rows)]
        if self.targets:
            parts.append(_markdown_table(TARGET_COLUMNS, [target.cells() for target in self.targets]))
        parts += [f"- {note}" for note in self.notes]
        return "\n\n".join(parts) + "\n"

    def as_json(self) -> dict[str, object]:
        """Return the report for programs."""
        return {
            "title": self.title,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
            "targets": [
                {
                    "number": target.number,
                    "what": target.what,
                    "measured": target.measured,
                    "bound": target.bound,
                    "limit": target.limit,
                    "verdict": target.verdict,
                }
                for target in self.targets
            ],
            "notes": list(self.notes),
        }


def target_rows(reports: Sequence[Report]) -> list[Target]:
    """Return all targets of a run, by number; those without one last."""
    targets = [target for report in reports for target in report.targets]
    return sorted(targets, key=lambda target: int(target.number.lstrip("P") or 1000))


def targets_table(targets: Sequence[Target]) -> Table:
    """Return what is printed at the end of a run."""
    return _drawn("Targets", TARGET_COLUMNS, [target.cells() for target in targets])


def markdown_of_all(title: str, machine: str, reports: Sequence[Report], sections: Sequence[str]) -> str:
    """Return a whole run as a Markdown file: the targets first, then each measurement."""
    parts = [f"# {title}", f"On: {machine}"]
    targets = target_rows(reports)
    if targets:
        parts += ["## Targets", _markdown_table(TARGET_COLUMNS, [target.cells() for target in targets])]
    return "\n\n".join([*parts, *sections])


def figure(value: float) -> str:
    """Return a number with three digits that matter."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def _drawn(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*columns, title=title or None)
    for row in rows:
        table.add_row(*row)
    return table


def _markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)

"""What all runs of one session have in common, for people: a table, and the same as JSON.

It is drawn from what lies in the folders of the tests: `history.jsonl` of each run, and `figures.json` of tests that
have more to tell. Histories of runs with a planted defect have another name and do not count.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from tests.faults.history import Began, Drained, Fresh, History, Struck, Verdict, judge, read_history

HISTORY: Final = "history.jsonl"
FIGURES: Final = "figures.json"
_PROCESS_FAULTS: Final = ("kill", "wipe", "stop")


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The sums.

    Attributes:
        seeds: that repeat the choices.
        kills: SIGKILL, wipes included, by process.
        other_faults: of lines, cables and queues, by kind.
        fresh_s: how long after healing a fresh event was in a store, every time.
        drain_factors: how many times as fast as new messages came each backlog was worked off.
        broken: histories with something against them, and what.
        figures: test → what it counted.
    """

    seeds: tuple[int, ...]
    runs: int
    accepted: int
    lost: int
    doubled: int
    skipped: int
    altered_or_invented: int
    kills: dict[str, int]
    wipes: int
    stops: dict[str, int]
    other_faults: dict[str, int]
    fresh_s: tuple[float, ...]
    drain_factors: tuple[float, ...]
    broken: dict[str, str]
    figures: dict[str, dict[str, float]]


def note_figures(folder: Path, **figures: float) -> None:
    """Leave figures of a test in its folder for the summary."""
    (folder / FIGURES).write_bytes(msgspec.json.encode(figures))


def histories_in(paths: Iterable[Path]) -> list[Path]:
    """Return the histories among files and below folders, each once: pytest keeps links beside its folders."""
    found = {one.resolve() for path in paths for one in (path.rglob(HISTORY) if path.is_dir() else [path])}
    return sorted(found)


def figures_in(paths: Iterable[Path]) -> dict[str, dict[str, float]]:
    """Return test → figures of what lies below folders."""
    found = {one.resolve() for path in paths if path.is_dir() for one in path.rglob(FIGURES)}
    return {one.parent.name: msgspec.json.decode(one.read_bytes(), type=dict[str, float]) for one in sorted(found)}


def summary_of(histories: Mapping[str, History], figures: Mapping[str, dict[str, float]]) -> Summary:
    """Return the sums of runs (name → history) and figures."""
    verdicts = {name: judge(history) for name, history in histories.items()}
    facts = [fact for history in histories.values() for fact in history.facts]
    struck = [fact for fact in facts if isinstance(fact, Struck)]
    found = [findings for verdict in verdicts.values() for findings in verdict.stores.values()]
    return Summary(
        seeds=tuple(sorted({fact.seed for fact in facts if isinstance(fact, Began)})),
        runs=len(histories),
        accepted=sum(len(history.journal.accepted) for history in histories.values()),
        lost=sum(len(one.lost) for one in found),
        doubled=sum(len(one.doubled) for one in found),
        skipped=sum(len(one.skipped) for one in found),
        altered_or_invented=sum(len(one.altered + one.invented) for one in found),
        kills=dict(sorted(Counter(one.part for one in struck if one.fault in {"kill", "wipe"}).items())),
        wipes=sum(one.fault == "wipe" for one in struck),
        stops=dict(sorted(Counter(one.part for one in struck if one.fault == "stop").items())),
        other_faults=dict(sorted(Counter(one.fault for one in struck if one.fault not in _PROCESS_FAULTS).items())),
        fresh_s=tuple(sorted(s for fact in facts if isinstance(fact, Fresh) for s in fact.after_s.values())),
        drain_factors=tuple(round(fact.factor, 1) for fact in facts if isinstance(fact, Drained)),
        broken={name: str(verdict) for name, verdict in verdicts.items() if verdict != Verdict()},
        figures=dict(figures),
    )


def summary_below(folder: Path) -> Summary:
    """Return the sums of everything below a folder."""
    return summary_of({str(path): read_history(path) for path in histories_in([folder])}, figures_in([folder]))


def table(summary: Summary) -> str:
    """Return the sums as a table in Markdown."""
    fresh = summary.fresh_s or (0.0,)
    rows = {
        "seeds": ", ".join(map(str, summary.seeds)),
        "runs, each with a fresh edge": summary.runs,
        "messages accepted": f"{summary.accepted:,}".replace(",", " "),
        "lost, doubled, skipped, altered or invented": (
            f"{summary.lost}, {summary.doubled}, {summary.skipped}, {summary.altered_or_invented}"
        ),
        "processes killed": f"{sum(summary.kills.values())}: {_counted(summary.kills)}; {summary.wipes} brokers wiped",
        "processes stopped": f"{sum(summary.stops.values())}: {_counted(summary.stops)}",
        "lines, cables, queues": f"{sum(summary.other_faults.values())}: {_counted(summary.other_faults)}",
        f"fresh event in a store after healing, of {len(summary.fresh_s)}: median, slowest": (
            f"{median(fresh):.1f} s, {fresh[-1]:.1f} s"
        ),
        "backlogs drained, times the live rate": ", ".join(map(str, summary.drain_factors)),
        "runs with something against them": len(summary.broken),
        **{test: _counted(figures) for test, figures in summary.figures.items()},
    }
    return "\n".join(["| | |", "| --- | --- |", *(f"| {what} | {found} |" for what, found in rows.items())])


def _counted(counts: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number:g}" for name, number in counts.items())

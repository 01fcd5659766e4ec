"""What a program costs: processor time of its whole process tree, memory, and, only beside it, wall time.

Processor time is what a comparison rests on: it hardly changes when the machine has other work, while wall time does.
Competitors take turns (A B C, A B C, …), so that a slow minute hits all of them; the median of each is compared.
"""

import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run took.

    Attributes:
        cpu_s: user and system seconds of the process and all its ended descendants.
        wall_s: seconds on the clock.
        memory_mib: largest resident size of one process of the tree.
        said: what a subject prints about itself.
    """

    cpu_s: float
    wall_s: float
    memory_mib: float
    said: Mapping[str, Any] = field(default_factory=dict)


def run_program(command: Sequence[str], *, stop_after_s: float | None = None) -> Cost:
    """Run a program to its end, or stop it after a while with SIGTERM; return what it and its children cost.

    Raises:
        RuntimeError: it failed by itself; the message holds the end of what it wrote.
    """
    with tempfile.TemporaryFile() as written:
        started_s = time.perf_counter()
        child = subprocess.Popen(command, stdout=written, stderr=subprocess.STDOUT, cwd=ROOT)  # noqa: S603 - the benchmarks' own commands
        if stop_after_s is not None:
            time.sleep(stop_after_s)
            child.send_signal(signal.SIGTERM)
        _, status, used = os.wait4(child.pid, 0)
        wall_s = time.perf_counter() - started_s
        child.returncode = os.waitstatus_to_exitcode(status)
        written.seek(0)
        text = written.read().decode(errors="replace")
    if child.returncode and stop_after_s is None:
        raise RuntimeError(f"{' '.join(command[:4])} … failed with {child.returncode}:\n{text[-2000:]}")
    return Cost(
        cpu_s=used.ru_utime + used.ru_stime, wall_s=wall_s, memory_mib=used.ru_maxrss / 1024, said=_last_line(text)
    )


def run_subject(module: str, *arguments: str, python: str = sys.executable, prefix: Sequence[str] = ()) -> Cost:
    """Run a module of `benchmarks.subjects`; return the cost that it measured itself, without starting Python.

    Raises:
        RuntimeError: it failed.
    """
    outer = run_program([*prefix, python, "-m", f"benchmarks.subjects.{module}", *arguments])
    said = outer.said
    return Cost(cpu_s=said["cpu_s"], wall_s=said["wall_s"], memory_mib=said["memory_mib"], said=said)


@contextmanager
def costing(said: dict[str, Any]) -> Iterator[None]:
    """In a subject: print as JSON what the block costs, with whatever it puts into `said`."""
    began_s, began_cpu_s = time.perf_counter(), _tree_cpu_s()
    yield
    cpu_s, wall_s = _tree_cpu_s() - began_cpu_s, time.perf_counter() - began_s
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sys.stdout.write("\n" + json.dumps({"cpu_s": cpu_s, "wall_s": wall_s, "memory_mib": largest / 1024, **said}) + "\n")


def in_turns(subjects: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Return the costs of each subject, run after one another `rounds` times."""
    costs: dict[str, list[Cost]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, run in subjects.items():
            costs[name].append(run())
    return costs


def median_cpu_s(costs: Sequence[Cost]) -> float:
    """Return the median processor time."""
    return statistics.median(cost.cpu_s for cost in costs)


def _tree_cpu_s() -> float:
    """Return processor seconds of this process and its ended children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _last_line(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            said: dict[str, Any] = json.loads(line)
            return said
    return {}

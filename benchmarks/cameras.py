"""P5: how many 720p cameras one core carries on busy, average and still footage; and one 1080p camera's memory.

The cameras are live and paced: a server on another core sends each of them H.264 by RTSP at 25 pictures a second.
`winnow run` is held on one core by `taskset`, all of its processes included, and watches N of them. They *keep up* if
every camera's pictures are dealt with within two analysis periods (95 %) and none has stepped back from overload. N
divided by the share of the core that was used is what a core would carry by cost. Where that is less than is wanted, so
many are tried. What counts is the largest N that kept up.
"""

import os
import shutil
import statistics
import time
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.harness.clips import FULL_HD, HD, Activity, clip, describe
from benchmarks.harness.report import Report, Target, figure
from benchmarks.harness.running import RunningEdge, running_edge, served
from benchmarks.harness.tools import ToolMissingError

FAST: Final = {"connection": {"fast_decoding": True}}
CASES: Final[tuple[tuple[Activity, int, dict[str, Any]], ...]] = (
    ("busy", 6, {}),
    ("busy", 6, FAST),
    ("average", 10, {}),
    ("still", 50, {}),
)
"""Footage, cameras at first, and settings of each."""

WANTED: Final[dict[Activity, float]] = {"busy": 12, "still": 50}
CLIP_S: Final = 60
SETTLE_S: Final = 15
MEASURED_S: Final = 40
PERIOD_S: Final = 0.2
"""Between two analysed frames, by default."""

MAX_AGE_S: Final = 2 * PERIOD_S
MAX_MEMORY_MIB: Final = 400
SOAK_S: Final = 60
SOAK_CLIP_S: Final = 30
MAX_GROWTH_MIB: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Load:
    cameras: int
    core_share: float
    age_p95_s: float
    analysed_per_s: float
    dropped: float
    steps_back: float
    memory_mib: float

    @property
    def by_cost(self) -> float:
        """Cameras that a whole core would carry at this cost each."""
        return self.cameras / self.core_share

    @property
    def keeps_up(self) -> bool:
        """Whether every camera was looked at as often as it should be, and in time."""
        return self.age_p95_s <= MAX_AGE_S and not self.steps_back


def measure() -> Report:
    """Return cameras a core on three kinds of footage, and memory over a shortened soak."""
    if len(os.sched_getaffinity(0)) < 2 or shutil.which("taskset") is None:  # noqa: PLR2004 - edge and server
        raise ToolMissingError(
            "two cores and `taskset` (Debian's util-linux) are needed: one for the edge, one for cameras"
        )
    rows, targets = [], []
    for activity, cameras, settings in CASES:
        loads = _loads(activity, cameras, settings)
        footage = f"{activity}, fast decoding" if settings else activity
        rows += [_row(footage, load) for load in loads]
        if activity in WANTED:
            what = f"720p cameras on one core, {footage}, every frame's age within {MAX_AGE_S:g} s (p95)"
            most = max((load.cameras for load in loads if load.keeps_up), default=0)
            targets.append(Target(number="P5", what=what, measured=most, limit=WANTED[activity], bound="at least"))
    first_mib, last_mib, largest_mib = _memory()
    growth = last_mib - first_mib
    targets += [
        Target(number="", what="MiB of one 1080p camera", measured=largest_mib, limit=MAX_MEMORY_MIB, bound="at most"),
        Target(
            number="", what=f"its growth in {SOAK_S} s, MiB", measured=growth, limit=MAX_GROWTH_MIB, bound="at most"
        ),
    ]
    return Report(
        title=f"Cameras on one core, {MEASURED_S} s each after {SETTLE_S} s",
        columns=(
            "footage",
            "cameras",
            "core used",
            "a core, by cost",
            "age p95, ms",
            "analysed/s each",
            "dropped",
            "keep up",
            "MiB",
        ),
        rows=rows,
        targets=targets,
        notes=[
            describe(HD),
            "average: a quarter of the time people walk, else the scene is empty",
            f"memory: {describe(FULL_HD)}, busy; shared pages counted once; the design's hour is {SOAK_S} s here",
        ],
    )


def _loads(activity: Activity, cameras: int, settings: dict[str, Any]) -> list[_Load]:
    """Return what `cameras` cost, and then what as many do as a core carries by that."""
    first = _load(activity, cameras, settings)
    most = int(first.by_cost)
    if first.keeps_up and cameras < most and cameras < WANTED.get(activity, 0):
        return [first, _load(activity, most, settings)]
    return [first]


def _load(activity: Activity, cameras: int, settings: dict[str, Any]) -> _Load:
    edge_core, server_core = sorted(os.sched_getaffinity(0))[:2]
    path = clip(activity, HD, CLIP_S)
    with (
        served(path, core=server_core) as sent,
        running_edge(sent.addresses(cameras), core=edge_core, camera=settings) as edge,
    ):
        time.sleep(SETTLE_S)
        before, began_cpu_s, began_s = edge.metrics(), edge.cpu_s(), time.perf_counter()
        time.sleep(MEASURED_S)
        took_s, used_s, after = time.perf_counter() - began_s, edge.cpu_s() - began_cpu_s, edge.metrics()
        return _Load(
            cameras=cameras,
            core_share=used_s / took_s,
            age_p95_s=max(after["winnow_frame_latency_seconds"]),
            analysed_per_s=_grown(before, after, "winnow_frames_analysed_total") / took_s / cameras,
            dropped=_grown(before, after, "winnow_frames_dropped_total"),
            steps_back=sum(after.get("winnow_overload_step", []))
            + _grown(before, after, "winnow_overload_steps_total"),
            memory_mib=edge.resident_mib(),
        )


def _memory() -> tuple[float, float, float]:
    """Return the mean of the first and of the last quarter of the soak, and the largest value, in MiB."""
    path = clip("busy", FULL_HD, SOAK_CLIP_S)
    with served(path) as sent, running_edge(sent.addresses(1)) as edge:
        time.sleep(SETTLE_S)
        sizes = list(_sizes(edge))
    quarter = len(sizes) // 4
    return statistics.mean(sizes[:quarter]), statistics.mean(sizes[-quarter:]), max(sizes)


def _sizes(edge: RunningEdge) -> list[float]:
    sizes = []
    for _ in range(SOAK_S // 2):
        time.sleep(2)
        sizes.append(edge.resident_mib())
    return sizes


def _row(activity: str, load: _Load) -> tuple[str, ...]:
    return (
        activity,
        str(load.cameras),
        f"{load.core_share:.0%}",
        figure(load.by_cost),
        figure(1000 * load.age_p95_s),
        figure(load.analysed_per_s),
        figure(load.dropped),
        "yes" if load.keeps_up else "no",
        figure(load.memory_mib),
    )


def _grown(before: dict[str, list[float]], after: dict[str, list[float]], name: str) -> float:
    return sum(after.get(name, [])) - sum(before.get(name, []))

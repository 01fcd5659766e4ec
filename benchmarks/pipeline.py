"""P4: the whole pipeline beside bare decoding of the same file, on a still, an average and a busy scene."""

import statistics
from functools import partial
from typing import Any, Final

from benchmarks.harness.clips import FULL_HD, Activity, clip, describe
from benchmarks.harness.cost import Cost, in_turns, median_cpu_s, run_subject
from benchmarks.harness.report import Report, Target, figure

SECONDS: Final = 30
ROUNDS: Final = 3
ACTIVITIES: Final[tuple[Activity, ...]] = ("still", "average", "busy")


def measure() -> Report:
    """Return processor time of the pipeline and of decoding, and where the pipeline's goes."""
    rows, targets = [], []
    for activity in ACTIVITIES:
        path = str(clip(activity, FULL_HD, SECONDS))
        costs = in_turns(
            {"decode": partial(run_subject, "decode", path), "pipeline": partial(run_subject, "camera", path)}, ROUNDS
        )
        decode_s, pipeline_s = median_cpu_s(costs["decode"]), median_cpu_s(costs["pipeline"])
        rows.append(_row(activity, decode_s, pipeline_s, costs["pipeline"]))
        if activity == "still":
            what = "still 1080p: pipeline ÷ bare decode"
            targets.append(Target(number="P4", what=what, measured=pipeline_s / decode_s, limit=1.3, bound="at most"))
    return Report(
        title=f"Whole pipeline on 1080p, {SECONDS} s, median of {ROUNDS} rounds in turns, one thread",
        columns=(
            "scene",
            "decode, CPU ms/s",
            "pipeline, CPU ms/s",
            "÷",
            "analysed",
            "detector runs",
            "detector ms a run",
            "motion ms a frame",
            "rest ms a frame",
        ),
        rows=rows,
        targets=targets,
        notes=[
            describe(FULL_HD),
            "decode is PyAV with one thread; CPU ms for each second of footage",
            "the times of single steps are wall times",
        ],
    )


def _row(activity: str, decode_s: float, pipeline_s: float, costs: list[Cost]) -> tuple[str, ...]:
    said: Any = costs[0].said
    stage_s = {stage: statistics.median(cost.said["stage_s"][stage] for cost in costs) for stage in said["stage_s"]}
    rest_s = sum(spent for stage, spent in stage_s.items() if stage not in {"decode", "motion", "detect"})
    return (
        activity,
        figure(1000 * decode_s / SECONDS),
        figure(1000 * pipeline_s / SECONDS),
        f"{pipeline_s / decode_s:.2f}",
        str(said["analysed"]),
        str(said["detector_runs"]),
        figure(1000 * stage_s["detect"] / max(1, said["detector_runs"])),
        figure(1000 * stage_s["motion"] / said["analysed"]),
        figure(1000 * rest_s / said["analysed"]),
    )

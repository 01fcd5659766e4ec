"""P4: the whole pipeline beside bare decoding of the same file, on a still, an average and a busy scene."""

import statistics
from functools import partial
from typing import Any, Final

from benchmarks.harness.clips import FULL_HD, Activity, clip, describe
from benchmarks.harness.cost import Cost, in_turns, median_cpu_s, run_subject
from benchmarks.harness.repeating import repeated
from benchmarks.harness.report import Report, Target, figure

SECONDS: Final = 30
TIMES: Final[dict[Activity, int]] = {"still": 4, "average": 1, "busy": 1}
"""How often the clip is shown: looks at the start are most of what half a minute of a still scene costs, and a camera
runs for months."""

ROUNDS: Final = 3
ACTIVITIES: Final[tuple[Activity, ...]] = ("still", "average", "busy")


def measure() -> Report:
    """Return processor time of the pipeline and of decoding, and where the pipeline's goes."""
    rows, targets = [], []
    for activity in ACTIVITIES:
        path = str(repeated(clip(activity, FULL_HD, SECONDS), TIMES[activity]))
        costs = in_turns(
            {"decode": partial(run_subject, "decode", path), "pipeline": partial(run_subject, "camera", path)}, ROUNDS
        )
        decode_s, pipeline_s = median_cpu_s(costs["decode"]), median_cpu_s(costs["pipeline"])
        rows.append(_row(activity, SECONDS * TIMES[activity], decode_s, pipeline_s, costs["pipeline"]))
        if activity == "still":
            what = f"still 1080p, {SECONDS * TIMES[activity]} s: pipeline ÷ bare decode"
            targets.append(Target(number="P4", what=what, measured=pipeline_s / decode_s, limit=1.3, bound="at most"))
    return Report(
        title=f"Whole pipeline on 1080p, median of {ROUNDS} rounds in turns, one thread",
        columns=(
            "scene",
            "s",
            "decode, CPU ms/s",
            "pipeline, CPU ms/s",
            "÷",
            "analysed",
            "looks",
            "model runs",
            "ms a look",
            "motion ms a frame",
            "rest ms a frame",
        ),
        rows=rows,
        targets=targets,
        notes=[
            describe(FULL_HD),
            "decode is PyAV with one thread; CPU ms for each second of footage",
            "still: the clip four times over; a look is one picture that the detector sees, in one to three model runs",
            "the times of single steps are wall times",
        ],
    )


def _row(activity: str, seconds: int, decode_s: float, pipeline_s: float, costs: list[Cost]) -> tuple[str, ...]:
    said: Any = costs[0].said
    stage_s = {stage: statistics.median(cost.said["stage_s"][stage] for cost in costs) for stage in said["stage_s"]}
    rest_s = sum(spent for stage, spent in stage_s.items() if stage not in {"decode", "motion", "detect"})
    return (
        activity,
        str(seconds),
        figure(1000 * decode_s / seconds),
        figure(1000 * pipeline_s / seconds),
        f"{pipeline_s / decode_s:.2f}",
        str(said["analysed"]),
        str(said["detector_runs"]),
        str(said["model_runs"]),
        figure(1000 * stage_s["detect"] / max(1, said["detector_runs"])),
        figure(1000 * stage_s["motion"] / said["analysed"]),
        figure(1000 * rest_s / said["analysed"]),
    )

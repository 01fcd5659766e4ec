"""Winnow beside what a user would set up instead, on still, average and busy footage at 1080p.

- the loop that people write first: OpenCV, the same INT8 model on every frame, supervision's ByteTrack
- the same with the float32 model
- Debian's `motion` as it is installed: it records a film whenever something moves
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.decoding import MOTION_CONF
from benchmarks.harness.clips import FPS, FULL_HD, Activity, clip, describe
from benchmarks.harness.cost import Cost, run_program, run_subject
from benchmarks.harness.models import float_card
from benchmarks.harness.report import Report, figure
from benchmarks.harness.tools import ToolMissingError, program, site_packages

SECONDS: Final = 30
INT8: Final = "nanodet-g-416-int8"
ACTIVITIES: Final[tuple[Activity, ...]] = ("still", "average", "busy")
_WITH_FILMS: Final = MOTION_CONF.replace("movie_output off", "movie_output on\ntarget_dir {folder}")


def measure() -> Report:
    """Return time, processor time, memory, bytes and found objects of each on each footage."""
    notes: list[str] = []
    rows = []
    for activity in ACTIVITIES:
        costs = {name: run() for name, run in _subjects(clip(activity, FULL_HD, SECONDS), notes).items()}
        ours_s = costs["winnow"].cpu_s
        rows += [_row(activity, name, cost, ours_s) for name, cost in costs.items()]
    return Report(
        title=f"Beside what people use, {SECONDS} s at 1080p, one run each, one after the other",
        columns=("footage", "who", "wall s", "CPU s", "÷ winnow's", "MiB", "kB out", "found"),
        rows=rows,
        notes=[
            describe(FULL_HD),
            *dict.fromkeys(notes),
            "the loops look at every frame (25/s), Winnow at 5/s; all but `motion` run as fast as they can",
            "kB out: Winnow's events and thumbnails; the loops' lines of JSON without any picture; `motion`'s films",
            "found: tracks of people (seen at least three times), or films",
        ],
    )


def _subjects(path: Path, notes: list[str]) -> dict[str, Callable[[], Cost]]:
    subjects: dict[str, Callable[[], Cost]] = {"winnow": partial(run_subject, "camera", str(path))}
    try:
        packages = str(site_packages())
        subjects["first loop, INT8"] = partial(run_subject, "first_loop", str(path), INT8, packages)
        subjects["first loop, FP32"] = partial(run_subject, "first_loop", str(path), str(float_card()), packages)
    except ToolMissingError as missing:
        notes.append(str(missing))
    try:
        subjects["motion"] = partial(_motion, program("motion"), path)
    except ToolMissingError as missing:
        notes.append(str(missing))
    return subjects


def _motion(motion: str, path: Path) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "motion.conf"
        text = _WITH_FILMS.format(clip=path, width=FULL_HD.width, height=FULL_HD.height, fps=FPS, folder=folder)
        settings.write_text(text, encoding="utf-8")
        cost = run_program([motion, "-c", str(settings)], stop_after_s=SECONDS)
        films = list(folder.glob("*.mkv"))
        said = {"bytes_out": sum(film.stat().st_size for film in films), "films": len(films)}
        return Cost(cpu_s=cost.cpu_s, wall_s=cost.wall_s, memory_mib=cost.memory_mib, said=said)


def _row(activity: str, name: str, cost: Cost, ours_s: float) -> tuple[str, ...]:
    films = cost.said.get("films")
    return (
        activity,
        name,
        figure(cost.wall_s),
        figure(cost.cpu_s),
        f"{cost.cpu_s / ours_s:.1f}",
        figure(cost.memory_mib),
        figure(cost.said["bytes_out"] / 1000),
        f"{cost.said['objects'].get('person', 0)} people" if films is None else f"{films} films",
    )

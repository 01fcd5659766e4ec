"""P2: decoding a camera and telling motion, beside Debian's `motion`, the usual FFmpeg pipe, and bare FFmpeg."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.harness.clips import FPS, FULL_HD, SIZES, Size, clip, describe
from benchmarks.harness.cost import Cost, in_turns, median_cpu_s, run_program, run_subject
from benchmarks.harness.report import Report, Target, figure
from benchmarks.harness.running import served
from benchmarks.harness.tools import ToolMissingError, program

SECONDS: Final = 10
MOG2_SECONDS: Final = 2
"""It takes a hundred times as long as the gate, so it sees a part of the clip."""
ROUNDS: Final = 3
STILL_S: Final = 30
SETTLE_S: Final = 14
"""The camera rests after 10."""

RESTING: Final = "winnow, 5/s, resting"
WINNOW: Final = f"winnow, {FPS}/s"
WINNOW_DEFAULT: Final = "winnow, 5/s (default)"
WINNOW_FAST: Final = "winnow, 5/s, fast decoding"
LIMITS: Final = {"motion": 0.5, "ffmpeg | MOG2": 0.7, "ffmpeg | difference": 0.7, "ffmpeg -f null": 1.1}

MOTION_CONF: Final = """
daemon off
setup_mode off
log_level 4
netcam_url file://{clip}
width {width}
height {height}
framerate {fps}
picture_output off
movie_output off
stream_port 0
webcontrol_port 0
"""


def measure() -> Report:
    """Return processor time a second of camera at three sizes on a busy scene, and at one on a still scene."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    notes = [f"{size.name}: {describe(size)}" for size in SIZES]
    for size in SIZES:
        costs = in_turns(_subjects(size, notes), ROUNDS)
        per_s = {name: 1000 * median_cpu_s(given) / _seconds(name) for name, given in costs.items()}
        _compare(f"{size.name}, busy", (WINNOW, WINNOW_DEFAULT, WINNOW_FAST), per_s, rows, targets)
    resting = _at_rest(FULL_HD, notes)
    _compare(f"{FULL_HD.name}, still", (RESTING, RESTING, RESTING), resting, rows, targets)
    return Report(
        title=f"Decoding and motion, {SECONDS} s, median of {ROUNDS} rounds in turns (still: one run each)",
        columns=("footage", "who", "CPU ms a camera second", "winnow ÷ this", "at 5/s ÷ this", "fast ÷ this"),
        rows=rows,
        targets=targets,
        notes=[
            *dict.fromkeys(notes),
            "busy: a recording, every picture decoded; by everyone 25 pictures a second are looked at unless it says 5",
            "bare FFmpeg looks at none: what Winnow costs by default (5/s) is held against it",
            "fast decoding (a setting) leaves out the filter that smooths the borders between blocks",
            "still: an empty scene; winnow watches it as a live camera (RTSP) that rests, decoder's process included",
            "`motion` plays in real time without any output and is stopped at the clip's end",
        ],
    )


def _compare(
    footage: str,
    ours: tuple[str, str, str],
    per_s: dict[str, float],
    rows: list[tuple[str, ...]],
    targets: list[Target],
) -> None:
    """Add the rows of one footage, and a target for each competitor.

    Args:
        footage: in words.
        ours: of `per_s`, what is compared with those that look at pictures too, what with bare FFmpeg, and what decodes
            fast.
        per_s: milliseconds a second.
        rows: grow.
        targets: grow.
    """
    for name, spent in per_s.items():
        rows.append((footage, name, figure(spent), *(f"{per_s[one] / spent:.2f}" for one in ours)))
    for name, limit in LIMITS.items():
        if name in per_s or WINNOW in ours:
            who = ours[name == "ffmpeg -f null"]
            ratio = per_s[who] / per_s[name] if name in per_s else None
            what = f"{footage}: {who} ÷ {name}"
            targets.append(Target(number="P2", what=what, measured=ratio, limit=limit, bound="at most"))


def _at_rest(size: Size, notes: list[str]) -> dict[str, float]:
    """Return milliseconds a second on the empty scene."""
    path = clip("still", size, STILL_S)
    with served(path) as sent:
        ours = run_subject("look_live", sent.addresses(1)[0], str(SETTLE_S), str(STILL_S - SETTLE_S))
    if not ours.said["analysed"]:
        raise RuntimeError("the resting camera showed no picture")
    found = {RESTING: 1000 * ours.cpu_s / (STILL_S - SETTLE_S)}
    try:
        null = [program("ffmpeg"), "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
        found["ffmpeg -f null"] = 1000 * run_program(null).cpu_s / STILL_S
        found["motion"] = 1000 * _motion(program("motion"), path, size).cpu_s / SECONDS
    except ToolMissingError as missing:
        notes.append(str(missing))
    return found


def _subjects(size: Size, notes: list[str]) -> dict[str, Callable[[], Cost]]:
    path = clip("busy", size, SECONDS)
    subjects: dict[str, Callable[[], Cost]] = {
        WINNOW: partial(run_subject, "look", str(path), str(FPS)),
        WINNOW_DEFAULT: partial(run_subject, "look", str(path), "5"),
        WINNOW_FAST: partial(run_subject, "look", str(path), "5", "fast"),
    }
    try:
        ffmpeg = program("ffmpeg")
        width, height = str(size.width), str(size.height)
        null = [ffmpeg, "-v", "error", "-threads", "1", "-i", str(path), "-f", "null", "-"]
        subjects["ffmpeg -f null"] = partial(run_program, null)
        subjects["ffmpeg | MOG2"] = partial(
            run_subject, "rawvideo", str(path), str(MOG2_SECONDS), width, height, "mog2"
        )
        subjects["ffmpeg | difference"] = partial(
            run_subject, "rawvideo", str(path), str(SECONDS), width, height, "difference"
        )
    except ToolMissingError as missing:
        notes.append(str(missing))
    try:
        subjects["motion"] = partial(_motion, program("motion"), path, size)
    except ToolMissingError as missing:
        notes.append(str(missing))
    return subjects


def _seconds(name: str) -> int:
    return MOG2_SECONDS if name.endswith("MOG2") else SECONDS


def _motion(motion: str, path: Path, size: Size) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "motion.conf"
        settings.write_text(
            MOTION_CONF.format(clip=path, width=size.width, height=size.height, fps=FPS), encoding="utf-8"
        )
        return run_program([motion, "-c", str(settings)], stop_after_s=SECONDS)

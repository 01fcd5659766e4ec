"""P6: what leaves the box beside what the camera sends, and whether what is found is still all there."""

from typing import Any, Final

from benchmarks.harness.clips import FULL_HD, STREET, Activity, clip, describe
from benchmarks.harness.cost import run_subject
from benchmarks.harness.report import Report, Target, figure

SECONDS: Final = 30
ACTIVITIES: Final[tuple[Activity, ...]] = ("busy", "average", "still")
LIMITS: Final[dict[Activity, float]] = {"busy": 100, "still": 1000}
EVERY_FRAME: Final = ("motion={enabled: false}", "thumbnails={redaction: no-images}")
"""Settings of the reference: the detector looks at every analysed frame."""


def measure() -> Report:
    """Return bytes in and out at 1080p and for the sample clip as it is, with the people found."""
    rows, targets = [], []
    for activity in ACTIVITIES:
        path = str(clip(activity, FULL_HD, SECONDS))
        said = run_subject("camera", path).said
        found = run_subject("camera", path, *EVERY_FRAME).said["objects"].get("person", 0)
        rows.append(_row(f"{activity}, 1080p", said, found))
        if activity in LIMITS:
            less = said["bytes_in"] / max(1, said["bytes_out"])
            what = f"{activity} 1080p: camera's bytes ÷ bytes sent"
            targets.append(Target(number="P6", what=what, measured=less, limit=LIMITS[activity], bound="at least"))
    said = run_subject("camera", str(STREET)).said
    found = run_subject("camera", str(STREET), *EVERY_FRAME).said["objects"].get("person", 0)
    rows.append(_row("street.mp4 (0.5 Mbit/s)", said, found))
    return Report(
        title=f"Bytes of the camera and bytes sent, {SECONDS} s at 1080p, default settings",
        columns=("footage", "kB in", "kB out", "in ÷ out", "events", "thumbnails", "people", "people, every frame"),
        rows=rows,
        targets=targets,
        notes=[
            describe(FULL_HD),
            "out: events as JSON and thumbnails, without what MQTT and TCP add; no lines or zones",
            "a box adds one `node.stats` a minute",
            "people, every frame: how many the same settings find when the detector looks at every analysed frame",
        ],
    )


def _row(name: str, said: Any, found: int) -> tuple[str, ...]:
    pictures = said["messages"].get("thumbnail.captured", 0)
    return (
        name,
        figure(said["bytes_in"] / 1000),
        figure(said["bytes_out"] / 1000),
        figure(said["bytes_in"] / max(1, said["bytes_out"])),
        str(sum(said["messages"].values()) - pictures),
        str(pictures),
        str(said["objects"].get("person", 0)),
        str(found),
    )

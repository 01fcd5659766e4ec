"""What a replay or demo did, in figures, for people."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table

from winnow.cli.console import counted
from winnow.pipeline.camera import Camera
from winnow.pipeline.tally import STAGES, Stage


@dataclass(slots=True)
class Summary:
    """Figures of one or several recordings.

    Attributes:
        footage_s: length of what was played.
        wall_s: how long that took.
        bytes_in: compressed video read.
        bytes_out: events and thumbnails, each by itself.
        wire_bytes: what they take as they are sent, packed together; None if nobody counted.
        is_sent: they were sent; else they would be.
        stage_s: seconds by stage.
        damage: one line for each recording that was not whole.
    """

    footage_s: float = 0.0
    wall_s: float = 0.0
    frames_decoded: int = 0
    frames_analysed: int = 0
    detector_runs: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    wire_bytes: int | None = None
    is_sent: bool = True
    events: Counter[str] = field(default_factory=Counter)
    stage_s: dict[Stage, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    damage: list[str] = field(default_factory=list)

    def add(self, camera: Camera, wall_s: float) -> None:
        """Count a camera that has ended."""
        stats, tally = camera.source.stats, camera.tally
        self.footage_s += float(camera.position_s)
        self.wall_s += wall_s
        self.frames_decoded += stats.frames_decoded
        self.frames_analysed += tally.frames_analysed
        self.detector_runs += tally.detector_runs
        self.bytes_in += stats.bytes_read
        self.bytes_out += tally.bytes_out
        self.events += tally.events
        for stage in STAGES:
            self.stage_s[stage] += tally.stage_s[stage]
        if stats.damage:
            self.damage.append(f"{camera.source.description}: {describe_damage(camera)}")

    @property
    def sent_bytes(self) -> int:
        """What goes over the link."""
        return self.bytes_out if self.wire_bytes is None else self.wire_bytes

    def table(self) -> Table:
        """Return the figures, a line each."""
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for name, figure in self._lines():
            table.add_row(f"[dim]{name}[/]", figure)
        return table

    def _lines(self) -> Iterable[tuple[str, str]]:
        thumbnails = self.events["thumbnail.captured"]
        yield (
            "frames",
            f"{self.frames_decoded} decoded, {self.frames_analysed} analysed, detector ran on {self.detector_runs}",
        )
        yield "events", f"{self.events.total() - thumbnails}, and {thumbnails} thumbnails"
        yield "objects", str(self.events["object.started"])
        yield "time", f"{self.footage_s:.1f} s of footage in {self.wall_s:.1f} s: {self._times_real_time()}"
        yield "video read", format_bytes(self.bytes_in)
        name = "sent" if self.is_sent else "would send"
        yield name, f"{format_bytes(self.sent_bytes)} of events and thumbnails"
        yield "saved", format_saving(self.bytes_in, self.sent_bytes)
        yield "ms per frame", self._stages()

    def _times_real_time(self) -> str:
        return f"{self.footage_s / self.wall_s:.1f} × real time" if self.wall_s else "no time"

    def _stages(self) -> str:
        frames = max(1, self.frames_analysed)
        return " · ".join(f"{stage} {1000 * self.stage_s[stage] / frames:.2f}" for stage in STAGES)


def describe_damage(camera: Camera) -> str:
    """Return what was wrong with a camera's recording, in words."""
    damage = camera.source.stats.damage
    found = [
        counted(damage.corrupt_packets, "broken packet") if damage.corrupt_packets else "",
        counted(damage.corrupt_frames, "damaged frame") if damage.corrupt_frames else "",
        "the file is cut short" if damage.is_truncated else "",
        *damage.skipped_files,
    ]
    return ", ".join(part for part in found if part) + "; the events are those of the undamaged part"


def format_saving(bytes_in: int, bytes_out: int) -> str:
    """Return how much less was sent than read."""
    if not bytes_out:
        return "everything: nothing was sent" if bytes_in else "nothing was read"
    if not bytes_in:
        return "nothing was read"
    return f"{100 * (1 - bytes_out / bytes_in):.1f} %, a factor of {bytes_in / bytes_out:.0f}"


def format_bytes(size: float) -> str:
    """Return a size in units of 1000, as networks are sold."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(size) < 1000:  # noqa: PLR2004
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"

"""The whole pipeline on the street clip, as fast as one thread can, beside bare decoding of the same file."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag
from typing import Final

import av
from rich.table import Table

from winnow.detectors.catalogue import open_detector
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.footage import recording_digest
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import open_source
from winnow.pipeline.tally import STAGES
from winnow.runtime.clock import SystemClock

STREET: Final = Path(__file__).parent.parent / "sample_videos" / "street.mp4"


def measure(clip: Path = STREET) -> Table:
    """Return times of the pipeline, by stage, and of decoding alone."""
    decode_s, decode_cpu_s = _timed(lambda: _decode(clip))
    camera = _camera(clip)
    pipeline_s, pipeline_cpu_s = _timed(lambda: camera.run(Flag()))
    tally = camera.tally
    table = Table("pipeline", "value", title=f"{clip.name}: {float(camera.position_s):.1f} s, one inference thread")
    table.add_row("× real time", f"{float(camera.position_s) / pipeline_s:.1f}")
    table.add_row("CPU seconds, pipeline", f"{pipeline_cpu_s:.2f}")
    table.add_row("CPU seconds, bare decode", f"{decode_cpu_s:.2f}")
    table.add_row("CPU of pipeline ÷ bare decode", f"{pipeline_cpu_s / decode_cpu_s:.1f}")
    table.add_row("wall seconds, bare decode", f"{decode_s:.2f}")
    table.add_row("frames analysed / detector runs", f"{tally.frames_analysed} / {tally.detector_runs}")
    for stage in STAGES:
        table.add_row(f"ms per analysed frame, {stage}", f"{1000 * tally.stage_s[stage] / tally.frames_analysed:.2f}")
    table.add_row("bytes in / out", f"{camera.source.stats.bytes_read} / {tally.bytes_out}")
    table.add_row("bytes in ÷ out", f"{camera.source.stats.bytes_read / max(1, tally.bytes_out):.1f}")
    return table


def _camera(clip: Path) -> Camera:
    clock = SystemClock()
    return Camera(
        CameraPlan(
            node="bench", name="street", settings=CameraSettings(source=str(clip)), footage=recording_digest(clip)
        ),
        source=open_source(str(clip), clock=clock, starts_at=datetime(2026, 1, 1, tzinfo=UTC)),
        detector=open_detector(),
        accept=lambda _: None,
        clock=clock,
        pace=Pace(None),
    )


def _decode(clip: Path) -> None:
    with av.open(str(clip)) as container:
        container.streams.video[0].thread_type = "NONE"
        for _ in container.decode(video=0):
            pass


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    """Return wall and CPU seconds that `work` took."""
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started_s, time.process_time() - started_cpu_s

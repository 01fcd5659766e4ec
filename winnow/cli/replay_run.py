"""Carries out a replay: each recording through a camera of its own, with progress and a summary."""

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from winnow.cli.console import EXIT_WRONG_USE, error_console, fail
from winnow.cli.edge_objects import build_camera, build_detector, open_outbox
from winnow.cli.replay_output import Write, readable_lines, thumbnail_files, write_json_lines
from winnow.cli.summary import Summary
from winnow.events import Event, Thumbnail
from winnow.pipeline.camera import Camera
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.pipeline.sources import SourceError
from winnow.runtime.clock import SystemClock
from winnow.runtime.stopping import EXIT_STOPPED, stop_on_signals

_REFRESH_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOrder:
    """What to replay and where its events go.

    Attributes:
        settings: node and model; broker and spool if the events are sent.
        looks: name and settings of the camera that looks at each recording; its `source` is the recording.
        speed: times real time; None for as fast as possible.
        starts_at: wall time of the first recording's first frame; each later one starts where the one before ended.
        thumbnails: a folder for them.
        sends: send everything to the settings' broker instead of printing it.
        as_json: print JSON lines instead of readable ones.
    """

    settings: EdgeSettings
    looks: Sequence[tuple[str, CameraSettings]]
    speed: float | None
    starts_at: datetime
    thumbnails: Path | None
    sends: bool
    as_json: bool


def run_replay(order: ReplayOrder) -> int:
    """Return the command's exit code: 0, 2 if a recording could not be read whole, 130 if it was stopped."""
    summary = Summary()
    with stop_on_signals() as stopping:
        try:
            with _open_output(order, stopping) as write:
                problems = _play_all(order, write, stopping, summary)
        except BrokenPipeError:
            return _end_quietly()
        was_stopped = stopping.is_set()
    console = error_console()
    console.print(summary.table())
    for problem in (*problems, *summary.damage):
        console.print("[bold red]error:[/]", problem, soft_wrap=True, markup=True)
    if was_stopped:
        return EXIT_STOPPED
    return EXIT_WRONG_USE if problems or summary.damage else 0


def _play_all(order: ReplayOrder, write: Write, stopping: Flag, summary: Summary) -> list[str]:
    """Play every recording; return a line for each that could not be read at all."""
    problems = []
    clock = SystemClock()
    detector = build_detector(order.settings)
    starts_at = order.starts_at
    for name, settings in order.looks:
        if stopping.is_set():
            break
        camera = build_camera(
            order.settings.node,
            name,
            settings,
            detector=detector,
            accept=write,
            clock=clock,
            starts_at=starts_at,
            speed=order.speed,
        )
        started_mono_s = clock.monotonic_s()
        try:
            _play(camera, stopping)
        except SourceError as exc:
            problems.append(str(exc))
        summary.add(camera, clock.monotonic_s() - started_mono_s)
        starts_at += timedelta(microseconds=round(camera.position_s * 1_000_000))
    return problems


def _play(camera: Camera, stopping: Flag) -> None:
    """Run the camera in a thread, so that this one can show how far it is."""
    with ThreadPoolExecutor(1, thread_name_prefix="camera") as pool, _progress() as progress:
        running = pool.submit(camera.run, stopping)
        duration_s = camera.source.duration_s
        bar = progress.add_task(camera.source.description, total=float(duration_s) if duration_s else None)
        while not running.done():
            wait([running], timeout=_REFRESH_S)
            events = camera.tally.events.total()
            progress.update(bar, completed=float(camera.position_s), total=_length_s(camera), events=events)
        running.result()


def _length_s(camera: Camera) -> float | None:
    return None if camera.source.duration_s is None else float(camera.source.duration_s)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[events]} events"),
        TimeRemainingColumn(),
        console=error_console(),
        transient=True,
    )


@contextmanager
def _open_output(order: ReplayOrder, stopping: Flag) -> Iterator[Write]:
    """Yield what takes the events; what is sent has its receipts when the block ends, or stays in the spool."""
    writers: list[Write] = []
    if order.thumbnails is not None:
        try:
            writers.append(thumbnail_files(order.thumbnails))
        except OSError as exc:
            fail(f"--thumbnails {order.thumbnails}: {exc.strerror}")
    if not order.sends:
        yield _to_all([*writers, write_json_lines if order.as_json else readable_lines()])
        return
    with open_outbox(order.settings) as outbox:
        yield _to_all([*writers, outbox.accept])
        _wait_for_receipts(outbox, stopping)


def _to_all(writers: Sequence[Write]) -> Write:
    def write(messages: Sequence[Event | Thumbnail]) -> None:
        for one in writers:
            one(messages)

    return write


def _end_quietly() -> int:
    """Return the exit code for a reader that has gone (`| head`), and keep Python from complaining about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

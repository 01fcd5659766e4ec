"""Carries out a replay: each recording through a camera of its own, with progress and a summary."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import Final

from prometheus_client import CollectorRegistry
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from winnow.cli.console import EXIT_BROKEN_PIPE, EXIT_WRONG_USE, error_console, fail
from winnow.cli.edge_objects import build_camera, build_detector
from winnow.cli.edge_outbox import Delivery, open_delivery
from winnow.cli.replay_output import Write, readable_lines, thumbnail_files, write_json_lines
from winnow.cli.summary import Summary
from winnow.detectors import Detector
from winnow.events import Event, Thumbnail
from winnow.pipeline.analysis import model_ref
from winnow.pipeline.camera import Camera
from winnow.pipeline.delivery.estimate import WireEstimate
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.settings import CameraSettings, EdgeSettings
from winnow.pipeline.sources import SourceError
from winnow.runtime.clock import Clock, SystemClock
from winnow.runtime.stopping import EXIT_STOPPED, stop_on_signals

_REFRESH_S: Final = 0.1
_RECEIPTS_WITHIN_S: Final = 30.0
"""Without a single receipt in this time nobody is there to give one."""

Run = Callable[[Camera, Flag], list[str]]
"""Runs a camera to its end; returns a line for each problem."""


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


@dataclass(slots=True)
class _Output:
    """Where events go, how a camera is run for that, and how many messages wait for a receipt at the end."""

    write: Write
    run: Run
    delivery: Delivery | None = None
    waiting: int = 0
    wire_bytes: int = 0


def run_replay(order: ReplayOrder) -> int:
    """Play everything and return the exit code.

    It is 0, 1 if messages still wait in the spool, 2 if a recording is not whole, 130 if the command was stopped, and
    141 if the reader of the output went away.
    """
    clock, summary = SystemClock(), Summary()
    detector = build_detector(order.settings)
    with stop_on_signals() as stopping:
        try:
            with _open_output(order, detector, stopping, clock) as output:
                problems = _play_all(order, output, detector, summary, stopping, clock)
        except BrokenPipeError:
            return _end_quietly()
        was_stopped = stopping.is_set()
    summary.wire_bytes, summary.is_sent = output.wire_bytes, order.sends
    console = error_console()
    if summary.frames_decoded:
        console.print(summary.table())
    for problem in (*problems, *summary.damage):
        console.print(f"[bold red]error:[/] {escape(problem)}", soft_wrap=True)
    if output.waiting:
        path = escape(str(order.settings.spool.path))
        console.print(f"[bold red]error:[/] {output.waiting} messages have no receipt; they wait in {path}")
    if was_stopped:
        return EXIT_STOPPED
    return EXIT_WRONG_USE if problems or summary.damage else int(output.waiting > 0)


def _play_all(  # noqa: PLR0913, PLR0917 - the parts of a replay
    order: ReplayOrder, output: _Output, detector: Detector, summary: Summary, stopping: Flag, clock: Clock
) -> list[str]:
    """Play every recording; return a line for each that could not be read at all."""
    problems: list[str] = []
    starts_at = order.starts_at
    for name, settings in order.looks:
        if stopping.is_set():
            break
        publisher = output.delivery.publisher if output.delivery else None
        camera = build_camera(
            order.settings.node,
            name,
            settings,
            detector=detector,
            accept=output.write,
            clock=clock,
            starts_at=starts_at,
            speed=order.speed,
            announce=partial(publisher.set_camera_status, name) if publisher else lambda _: None,
        )
        started_mono_s = clock.monotonic_s()
        problems += _play(camera, output.run, stopping)
        summary.add(camera, clock.monotonic_s() - started_mono_s)
        starts_at += timedelta(microseconds=round(camera.position_s * 1_000_000))
    return problems


def _play(camera: Camera, run: Run, stopping: Flag) -> list[str]:
    """Run the camera in a thread, so that this one can show how far it is."""
    with ThreadPoolExecutor(1, thread_name_prefix="replay") as pool, _progress() as progress:
        running = pool.submit(run, camera, stopping)
        bar = progress.add_task(escape(camera.source.description), total=None, events=0)
        while not running.done():
            wait([running], timeout=_REFRESH_S)
            length_s = camera.source.duration_s
            progress.update(
                bar,
                completed=float(camera.position_s),
                total=None if length_s is None else float(length_s),
                events=camera.tally.events.total(),
            )
        return running.result()


def _progress() -> Progress:
    console = error_console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[events]} events"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


@contextmanager
def _open_output(order: ReplayOrder, detector: Detector, stopping: Flag, clock: Clock) -> Iterator[_Output]:
    """Yield where the events go; what is sent has its receipts when the block ends, or is counted as waiting."""
    folders: list[Write] = []
    if order.thumbnails is not None:
        try:
            folders.append(thumbnail_files(order.thumbnails))
        except OSError as exc:
            fail(f"--thumbnails {order.thumbnails}: {exc.strerror}")
    if not order.sends:
        printer = write_json_lines if order.as_json else readable_lines()
        estimate = WireEstimate(order.settings.node, wait_s=order.settings.link.picture_wait_s)
        output = _Output(write=_to_all([*folders, printer, estimate.note]), run=_run_alone)
        yield output
        output.wire_bytes = estimate.total_bytes()
        return
    settings = order.settings
    with open_delivery(settings, registry=CollectorRegistry(), clock=clock, stopping=stopping) as delivery:

        def run_as_node(camera: Camera, stopping: Flag) -> list[str]:
            node = EdgeNode(
                settings.node,
                cameras=[camera],
                outbox=delivery.outbox,
                model=model_ref(detector),
                stats_every_s=settings.stats_every_s,
                clock=clock,
                accounts=delivery.accounts,
            )
            return node.run(stopping)

        output = _Output(write=_to_all([*folders, delivery.outbox.take_all]), run=run_as_node, delivery=delivery)
        yield output
        output.waiting = _wait_for_receipts(delivery, stopping, clock)
        wire = delivery.publisher.wire
        output.wire_bytes = sum(wire.of(name).total for name in (None, *{name for name, _ in order.looks}))


def _run_alone(camera: Camera, stopping: Flag) -> list[str]:
    try:
        camera.run(stopping)
    except SourceError as exc:
        return [str(exc)]
    return []


def _wait_for_receipts(delivery: Delivery, stopping: Flag, clock: Clock) -> int:
    """Return how many messages still wait: 0, or more if no receipt came for a while or the command was stopped."""
    depth, since_mono_s = delivery.outbox.depth, clock.monotonic_s()
    with error_console().status("waiting for receipts") as status:
        while depth and not stopping.wait(_REFRESH_S):
            if delivery.outbox.depth != depth:
                depth, since_mono_s = delivery.outbox.depth, clock.monotonic_s()
            if clock.monotonic_s() - since_mono_s > _RECEIPTS_WITHIN_S:
                break
            reason = f": {delivery.publisher.outage}" if delivery.publisher.outage else ""
            status.update(escape(f"waiting for {depth} receipts{reason}"))
    return depth


def _to_all(writers: Sequence[Write]) -> Write:
    def write(messages: Sequence[Event | Thumbnail]) -> None:
        for one in writers:
            one(messages)

    return write


def _end_quietly() -> int:
    """Return the exit code for a reader that has gone (`| head`), and keep Python from complaining about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_BROKEN_PIPE

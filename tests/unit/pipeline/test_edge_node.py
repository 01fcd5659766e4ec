"""Several cameras side by side, and what happens when one of them or the spool fails."""

from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction
from threading import Event as Flag
from typing import Self

import numpy as np
import pytest

from winnow.events import Event
from winnow.events.data import ModelRef, NodeStats
from winnow.pipeline.camera import Accept, Camera, CameraPlan
from winnow.pipeline.delivery import SpoolFailedError
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import Frame, Source, SourceNotFoundError
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.start_pace import StartPace
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.clock import SystemClock
from winnow.runtime.testing import ManualClock

MODEL = ModelRef(name="m", sha256="a" * 64)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class MissingSource(ScriptedSource):
    """A recording that is not there."""

    def __enter__(self) -> Self:
        """Fail."""
        raise SourceNotFoundError("gone.mp4", "no such file")


class ListOutbox:
    """Keeps what it is given; fails from the `fails_from`th call on."""

    depth = 0
    size_bytes = 0
    failure: SpoolFailedError | None = None

    def __init__(self, fails_from: int | None = None) -> None:
        self.messages: list[Message] = []
        self._calls = 0
        self._fails_from = fails_from

    def take(self, messages: Sequence[Message]) -> None:
        """Keep or refuse the messages."""
        self._calls += 1
        if self._fails_from is not None and self._calls >= self._fails_from:
            raise SpoolFailedError(None, "the disk fails")
        self.messages += messages


def _frames(count: int) -> list[Frame]:
    return [Frame.from_bgr(np.full((120, 160, 3), 90, np.uint8), index=i, starts_at=NOON) for i in range(count)]


def _camera(name: str, source: Source, accept: Accept) -> Camera:
    return Camera(
        CameraPlan(node="n", name=name, settings=CameraSettings(source="x", labels=("person",)), footage=name),
        source=source,
        detector=ColourBoxDetector(),
        accept=accept,
        clock=SystemClock(),
        pace=Pace(None),
    )


def _node(outbox: ListOutbox, cameras: Sequence[Camera]) -> EdgeNode:
    return EdgeNode("n", cameras=cameras, outbox=outbox, model=MODEL, stats_every_s=60, clock=SystemClock())


def test_statistics_cover_every_camera() -> None:
    """When all recordings are over, one `node.stats` tells what each camera did."""
    outbox = ListOutbox()
    cameras = [_camera(name, ScriptedSource(_frames(20)), outbox.take) for name in ("a", "b")]
    assert _node(outbox, cameras).run(Flag()) == []
    (stats,) = (one.data for one in outbox.messages if isinstance(one, Event) and one.kind == "node.stats")
    assert isinstance(stats, NodeStats)
    assert [(one.camera, one.frames_decoded, one.frames_analysed) for one in stats.cameras] == [
        ("a", 20, 10),
        ("b", 20, 10),
    ]


def test_camera_that_fails_does_not_disturb_the_others() -> None:
    """One line names the camera that failed; the other one is watched to its end."""
    outbox = ListOutbox()
    good = _camera("good", ScriptedSource(_frames(20)), outbox.take)
    bad = _camera("bad", MissingSource([]), outbox.take)
    assert _node(outbox, [bad, good]).run(Flag()) == ["camera bad: gone.mp4: no such file"]
    assert good.position_s == Fraction(19, 10)


@pytest.mark.usefixtures("expects_error_log")
def test_failing_spool_ends_the_node() -> None:
    """Without a spool nothing can be accepted, so every camera stops and the problem is named."""
    outbox = ListOutbox(fails_from=1)
    broken = _camera("a", ScriptedSource(_frames(20)), outbox.take)
    endless = _camera("b", ScriptedSource(_frames(20), is_live=True), lambda _: None)
    stopping = Flag()
    problems = _node(outbox, [broken, endless]).run(stopping)
    assert problems == ["camera a: the disk fails"]
    assert stopping.is_set()


def test_spool_that_failed_behind_the_cameras_ends_the_node() -> None:
    """Nobody has to hand over anything for the failure to be noticed, and it is told once."""
    outbox = ListOutbox()
    outbox.failure = SpoolFailedError(None, "the disk fails")
    stopping = Flag()
    assert _node(outbox, [_endless("a", lambda _: None)]).run(stopping) == ["the disk fails"]
    assert stopping.is_set()


def test_failure_of_the_node_itself_ends_its_cameras() -> None:
    """What goes wrong outside the cameras is raised, not hidden behind cameras that never end."""

    def attend() -> None:
        raise ValueError("not foreseen")

    with pytest.raises(ValueError, match="not foreseen"):
        _node(ListOutbox(), [_endless("a", lambda _: None)]).run(Flag(), attend)


class SilentSource(ScriptedSource):
    """A camera that sends no more frames after the first ones, and does not end."""

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return a frame while there are any."""
        if not self._waiting:
            Flag().wait(0.01)
            return None
        return super().read(timeout_s)


def _endless(name: str, accept: Accept) -> Camera:
    return _camera(name, SilentSource(_frames(20), is_live=True), accept)


def test_cameras_come_and_go_while_the_node_runs() -> None:
    """One is added, one is taken out, one gives way to another of its name; the last counts of who leaves are told."""
    outbox, stopping = ListOutbox(), Flag()
    first = [_endless(name, outbox.take) for name in ("stays", "leaves", "changes")]
    node = _node(outbox, first)
    added, successor = _endless("added", outbox.take), _endless("changes", outbox.take)
    turns = 0

    def attend() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            node.put(added)
            node.remove("leaves")
            node.put(successor)
        if successor.is_online and added.is_online:
            stopping.set()

    assert node.run(stopping, attend) == []
    assert {camera.name: camera for camera in node.cameras} == {
        "stays": first[0],
        "added": added,
        "changes": successor,
    }
    assert not first[1].is_online
    stats = [one.data for one in outbox.messages if isinstance(one, Event) and isinstance(one.data, NodeStats)]
    seen = [{one.camera: one.frames_decoded for one in report.cameras} for report in stats]
    assert sum(report.get("leaves", 0) for report in seen) == first[1].source.stats.frames_decoded > 0
    assert all(count >= 0 for report in seen for count in report.values())


def test_camera_that_is_put_twice_before_the_first_has_ended_runs_once() -> None:
    """The last one wins; the one in between never runs."""
    outbox, stopping = ListOutbox(), Flag()
    node = _node(outbox, [_endless("a", outbox.take)])
    between, last = _endless("a", outbox.take), _endless("a", outbox.take)
    turns = 0

    def attend() -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            node.put(between)
            node.put(last)
        if last.is_online:
            stopping.set()

    assert node.run(stopping, attend) == []
    assert node.cameras == [last]
    assert between.source.stats.frames_decoded == 0


def test_many_live_cameras_start_one_after_the_other() -> None:
    """On one core four start together, then one every other second; a recording does not wait, nor does stopping."""
    outbox, stopping, clock = ListOutbox(), Flag(), ManualClock()
    live = [_endless(f"live {number}", outbox.take) for number in range(7)]
    recording = _camera("recording", ScriptedSource(_frames(4)), outbox.take)
    node = EdgeNode(
        "n",
        cameras=[*live, recording],
        outbox=outbox,
        model=MODEL,
        stats_every_s=600,
        clock=clock,
        start_pace=StartPace(1),
    )
    started: list[set[str]] = []

    def attend() -> None:
        connected = {camera.name for camera in node.cameras if camera.source.stats.frames_decoded}
        if len(connected) < min(5 + len(started), 7):
            return  # threads have not come so far
        started.append(connected)
        clock.advance(2)
        if len(started) == 3:
            node.remove("live 6")
            stopping.set()

    assert node.run(stopping, attend) == []
    names = ["recording", *(f"live {number}" for number in range(6))]
    assert started == [set(names[:5]), set(names[:6]), set(names)]
    assert {camera.name for camera in node.cameras} == set(names)


def test_camera_that_waits_for_its_start_gives_way_to_another_of_its_name() -> None:
    """The one that was put last runs, once it is its turn."""
    outbox, stopping, clock = ListOutbox(), Flag(), ManualClock()
    live = [_endless(f"live {number}", outbox.take) for number in range(5)]
    node = EdgeNode(
        "n", cameras=live, outbox=outbox, model=MODEL, stats_every_s=600, clock=clock, start_pace=StartPace(1)
    )
    other = _endless("live 4", outbox.take)
    node_turns = 0

    def attend() -> None:
        nonlocal node_turns
        node_turns += 1
        if node_turns == 1:
            node.put(other)
            clock.advance(2)
        if other.is_online:
            stopping.set()

    assert node.run(stopping, attend) == []
    assert live[4].source.stats.frames_decoded == 0

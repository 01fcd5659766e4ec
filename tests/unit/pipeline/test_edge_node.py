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
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.clock import SystemClock

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

    def __init__(self, fails_from: int | None = None) -> None:
        self.messages: list[Message] = []
        self._calls = 0
        self._fails_from = fails_from

    def accept(self, messages: Sequence[Message]) -> None:
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
    cameras = [_camera(name, ScriptedSource(_frames(20)), outbox.accept) for name in ("a", "b")]
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
    good = _camera("good", ScriptedSource(_frames(20)), outbox.accept)
    bad = _camera("bad", MissingSource([]), outbox.accept)
    assert _node(outbox, [bad, good]).run(Flag()) == ["camera bad: gone.mp4: no such file"]
    assert good.position_s == Fraction(19, 10)


@pytest.mark.usefixtures("expects_error_log")
def test_failing_spool_ends_the_node() -> None:
    """Without a spool nothing can be accepted, so every camera stops and the problem is named."""
    outbox = ListOutbox(fails_from=1)
    broken = _camera("a", ScriptedSource(_frames(20)), outbox.accept)
    endless = _camera("b", ScriptedSource(_frames(20), is_live=True), lambda _: None)
    stopping = Flag()
    problems = _node(outbox, [broken, endless]).run(stopping)
    assert problems == ["camera a: the disk fails"]
    assert stopping.is_set()

"""A running node and its settings file, without a process around them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from winnow.cli.check import read_edge_settings
from winnow.cli.commands import Commands, Inbox
from winnow.cli.reloading import Reloading
from winnow.events import Event
from winnow.events.data import CommandAnswer, ModelRef, NodeStats
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.delivery import SpoolFailedError
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.event_maker import Message
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings
from winnow.pipeline.sources import Frame, SourceNotFoundError
from winnow.pipeline.sources.testing import ScriptedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.clock import SystemClock

if TYPE_CHECKING:
    from winnow.pipeline.settings.link import LinkSettings


class SilentSource(ScriptedSource):
    """A camera that sends one frame and does not end."""

    def read(self, timeout_s: float | None = None) -> Frame | None:
        """Return the frame, once."""
        if not self._waiting:
            Flag().wait(0.01)
            return None
        return super().read(timeout_s)


class Outbox:
    """Keeps what it is given."""

    depth = 0
    size_bytes = 0
    failure: SpoolFailedError | None = None

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def take(self, messages: Sequence[Message]) -> None:
        """Keep the messages."""
        self.messages += messages


class Box:
    """A node that runs, and whoever edits its file between two turns of its loop."""

    def __init__(self, path: Path, cameras: dict[str, Any]) -> None:
        self.path, self.outbox, self.inbox = path, Outbox(), Inbox()
        self.built: list[str] = []
        self.write(cameras)
        self.built.clear()
        settings = read_edge_settings(path)
        self.node = EdgeNode(
            "n",
            cameras=[self._build(name, one) for name, one in settings.cameras.items()],
            outbox=self.outbox,
            model=ModelRef(name="m", sha256="a" * 64),
            stats_every_s=3600,
            clock=SystemClock(),
        )
        self.built.clear()
        self.links: list[LinkSettings] = []
        self.reloading = Reloading(
            path,
            settings,
            node=self.node,
            build=self._build,
            clock=SystemClock(),
            change_day=self.links.append,
        )
        self.commands = Commands(self.inbox, node=self.node, reloading=self.reloading)

    def write(self, cameras: dict[str, Any], **more: Any) -> None:
        """Write the settings file."""
        self.path.write_text(json.dumps({"cameras": cameras, **more}))  # which is YAML, too

    def run(self, *steps: Callable[[], object]) -> list[str]:
        """Run the node; do a step in each turn of its loop, then stop."""
        waiting, stopping = list(steps), Flag()

        def attend() -> None:
            if waiting:
                waiting.pop(0)()
            elif all(camera.is_online for camera in self.node.cameras):
                stopping.set()

        return self.node.run(stopping, attend)

    @property
    def names(self) -> set[str]:
        """Names of the cameras that the node has now."""
        return {camera.name for camera in self.node.cameras}

    def answers(self) -> list[CommandAnswer]:
        """Return every answer that was told."""
        stats = [one.data for one in self.outbox.messages if isinstance(one, Event)]
        return [answer for one in stats if isinstance(one, NodeStats) for answer in one.answers]

    def _build(self, name: str, settings: CameraSettings) -> Camera:
        if settings.source.endswith("missing.mp4"):
            raise SourceNotFoundError(settings.source, "no such file; check the path")
        self.built.append(name)
        frame = Frame.from_bgr(np.full((120, 160, 3), 90, np.uint8))
        return Camera(
            CameraPlan(node="n", name=name, settings=settings, footage=name),
            source=SilentSource([frame], is_live=True),
            detector=ColourBoxDetector(),
            accept=self.outbox.take,
            clock=SystemClock(),
            pace=Pace(None),
        )


DOOR = {"source": "http://192.0.2.1/door"}
YARD = {"source": "http://192.0.2.1/yard"}


@pytest.mark.parametrize(
    ("after", "built", "names"),
    [
        ({"door": DOOR, "yard": YARD, "gate": DOOR}, ["gate"], {"door", "yard", "gate"}),
        ({"door": DOOR}, [], {"door"}),
        ({"door": DOOR, "yard": DOOR}, ["yard"], {"door", "yard"}),
        ({"door": {**DOOR, "labels": ["dog"]}, "yard": YARD}, [], {"door", "yard"}),
        ({"door": DOOR, "attic": YARD}, ["attic"], {"door", "attic"}),
    ],
)
def test_node_becomes_what_the_file_says(
    tmp_path: Path, after: dict[str, Any], built: list[str], names: set[str]
) -> None:
    """Only cameras that are new, or come from elsewhere, are made; what is not in the file any more ends."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR, "yard": YARD})
    seen: list[set[str]] = []
    changed = [lambda: box.write(after), box.reloading.reload]
    problems = box.run(*changed, *[lambda: None] * 5, lambda: seen.append(box.names))
    assert problems == []
    assert box.built == built
    assert seen == [names]
    assert box.reloading.counts["applied"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"door": DOOR, "new": {"source": "missing.mp4"}},
        {"door": {**DOOR, "labels": ["persn"]}, "new": YARD},
        {"door": {**DOOR, "zones": {"z": {"points": [[0, 0]]}}}, "new": YARD},
    ],
)
def test_file_with_one_mistake_changes_nothing_at_all(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """Also not what is right in it: a box is never half of one file and half of another."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR, "yard": YARD})
    box.run(lambda: box.write(wrong), box.reloading.reload)
    assert box.names == {"door", "yard"}
    assert box.reloading.counts == {"applied": 0, "unchanged": 0, "refused": 1}
    assert box.node.settings_in_use is not None
    assert box.node.settings_in_use.problem


def test_mended_file_clears_the_problem(tmp_path: Path) -> None:
    """What is told is about the file as it is now."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR})
    box.run(lambda: box.write({}), box.reloading.reload, lambda: box.write({"door": DOOR}), box.reloading.reload)
    assert box.node.settings_in_use is not None
    assert box.node.settings_in_use.problem is None
    assert box.reloading.counts == {"applied": 0, "unchanged": 1, "refused": 1}


def test_restart_that_is_pending_is_told_until_the_file_takes_it_back(tmp_path: Path) -> None:
    """A new broker waits; with the old one in the file again nothing waits any more."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR})
    waiting: list[list[str]] = []

    def note() -> None:
        assert box.node.settings_in_use is not None
        waiting.append(list(box.node.settings_in_use.needs_restart))

    with_broker: Callable[[], None] = lambda: box.write({"door": DOOR}, mqtt={"url": "mqtt://192.0.2.7"})  # noqa: E731
    box.run(
        with_broker, box.reloading.reload, note, box.reloading.reload, note,
        lambda: box.write({"door": DOOR}), box.reloading.reload, note,
    )  # fmt: skip
    assert waiting == [["mqtt"], ["mqtt"], []]


def test_every_command_is_answered_or_counted(tmp_path: Path) -> None:
    """One that cannot be read, one for a camera that is not there, and more than fit."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR})

    def order() -> None:
        box.inbox.put(b"{}")
        box.inbox.put(b'{"command": "snapshot", "camera": "attic", "id": "x"}')
        for _ in range(40):
            box.inbox.put(b'{"command": "rollback"}')
        box.commands.run_once()

    box.run(order)
    answers = box.answers()
    assert [(one.id, one.outcome) for one in answers if one.command == "snapshot"] == [("x", "refused")]
    assert box.commands.counts["unreadable", "refused"] == 1
    assert box.commands.counts["rollback", "refused"] == sum(one.command == "rollback" for one in answers) == 30
    assert box.inbox.dropped == 10


def test_limit_of_a_day_is_taken_over(tmp_path: Path) -> None:
    """The accounts hear of it, no camera is touched, and no restart is asked for."""
    box = Box(tmp_path / "edge.yaml", {"door": DOOR})
    box.run(lambda: box.write({"door": DOOR}, link={"daily_bytes": 500_000}), box.reloading.reload)
    assert [link.daily_bytes for link in box.links] == [500_000]
    assert box.built == []
    assert box.reloading.counts["applied"] == 1
    assert box.node.settings_in_use
    assert box.node.settings_in_use.needs_restart == []

"""Takes changed settings over while the edge runs; a file that is wrong changes nothing."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from threading import Event as Flag
from typing import Literal

from winnow.cli.check import read_edge_settings
from winnow.events.data import SettingsInUse
from winnow.pipeline.camera import Camera
from winnow.pipeline.edge_node import EdgeNode
from winnow.pipeline.settings import CameraSettings, EdgeSettings, SettingsChange, applied, settings_change
from winnow.pipeline.settings.link import LinkSettings
from winnow.pipeline.sources import SourceError
from winnow.runtime.clock import Clock
from winnow.runtime.file_watch import FileWatch
from winnow.runtime.settings import SettingsError, SettingsInvalidError

logger = logging.getLogger(__name__)

Outcome = Literal["applied", "unchanged", "refused"]

BuildCamera = Callable[[str, CameraSettings], Camera]
"""Makes the camera of that name; raises SourceError if its source cannot be right."""


class Reloading:
    """Watches one settings file for one node.

    Args:
        path: the file.
        settings: what the node was built from.
        node: its cameras come, go and change.
        build: makes cameras.
        clock: times the watch.
        change_day: takes over what a day may carry and when it begins.

    Attributes:
        asked: set by whoever wants the file to be read now, changed or not.
        counts: how often the file was read, by outcome.
    """

    def __init__(  # noqa: PLR0913 - what settings reach
        self,
        path: Path,
        settings: EdgeSettings,
        *,
        node: EdgeNode,
        build: BuildCamera,
        clock: Clock,
        change_day: Callable[[LinkSettings], None] = lambda _: None,
    ) -> None:
        self.asked = Flag()
        node.settings_in_use = SettingsInUse(since=clock.now())
        self.counts: dict[Outcome, int] = {"applied": 0, "unchanged": 0, "refused": 0}
        self._path = path
        self._settings = settings
        self._node = node
        self._build = build
        self._change_day = change_day
        self._clock = clock
        self._watch = FileWatch(path, clock)

    def run_once(self) -> None:
        """Read the file if it has changed or somebody asked, and take over what it says."""
        if not (self.asked.is_set() or self._watch.has_changed()):
            return
        self.asked.clear()
        self.reload()

    def reload(self) -> Outcome:
        """Read the file and take it over, or keep what runs if anything in it is wrong."""
        self._watch.take_note()
        try:
            outcome = self._take_over(read_edge_settings(self._path))
        except (SettingsError, SourceError) as exc:
            outcome = "refused"
            self._note(problem=exc.problems[0] if isinstance(exc, SettingsInvalidError) else str(exc))
            logger.warning("Settings refused, the former ones stay in use", extra={"reason": str(exc)})
        self.counts[outcome] += 1
        return outcome

    def _take_over(self, wanted: EdgeSettings) -> Outcome:
        change = settings_change(self._settings, wanted)
        arriving = [self._build(name, wanted.cameras[name]) for name in (*change.added, *change.restarted)]
        is_new = change.concerns_cameras or change.concerns_day or wanted.stats_every_s != self._settings.stats_every_s
        if is_new:
            self._settings = applied(self._settings, wanted)
            self._carry_out(change, arriving)
        self._note(since=self._clock.now() if is_new else None, needs_restart=change.needs_restart)
        self._tell(change, "Settings taken over" if is_new else "Settings read, nothing has changed")
        return "applied" if is_new else "unchanged"

    def _note(
        self, *, since: datetime | None = None, problem: str | None = None, needs_restart: Sequence[str] | None = None
    ) -> None:
        before = self._node.settings_in_use
        self._node.settings_in_use = SettingsInUse(
            since=since or (before.since if before else self._clock.now()),
            problem=None if problem is None else as_reason(problem),
            needs_restart=list(before.needs_restart if needs_restart is None and before else needs_restart or ()),
        )

    def _carry_out(self, change: SettingsChange, arriving: list[Camera]) -> None:
        self._node.stats_every_s = self._settings.stats_every_s
        if change.concerns_day:
            self._change_day(self._settings.link)
        for name in change.removed:
            self._node.remove(name)
        for camera in arriving:
            self._node.put(camera)
        changed = {name: self._settings.cameras[name] for name in change.changed}
        for camera in self._node.cameras:
            if camera.name in changed:
                camera.change(changed[camera.name])

    def _tell(self, change: SettingsChange, message: str) -> None:
        facts = {
            "added": change.added,
            "removed": change.removed,
            "reopened": change.restarted,
            "changed": change.changed,
        }
        shown = {name: ", ".join(cameras) for name, cameras in facts.items() if cameras}
        logger.info(message, extra=shown)
        if change.needs_restart:
            keys = ", ".join(change.needs_restart)
            logger.warning("Some settings change only with a restart: restart winnow run", extra={"keys": keys})


def as_reason(text: str) -> str:
    """Return a text as one line that an event may carry."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line[:199] + "…" if len(line) > 200 else line or "no reason given"  # noqa: PLR2004 - `Reason`'s limit

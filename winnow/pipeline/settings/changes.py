"""What a changed settings file asks of a box that runs.

Theory. Whatever decides how a picture is looked at can change between two frames; whatever decides where pictures come
from cannot. So a camera's key belongs to one of three groups, by what its change costs:

    continues   the next frame is looked at in the new way; tracks and open objects live on
    anew        the stream stays open, but what is open ends and tracking begins anew: it would mean something else now
    restarts    the camera is closed and opened again

A key that no group names is looked at anew: never wrong, and no camera connects again for it. Outside of `cameras`
everything but `stats_every_s`, `link.daily_bytes` and `link.day_zone` is built once a process, so a change of it waits
for a restart of the process.
"""

from dataclasses import dataclass
from typing import Final, Literal

from winnow.pipeline.settings.camera import CameraSettings
from winnow.pipeline.settings.edge import EdgeSettings
from winnow.runtime.settings import Settings

LookChange = Literal["none", "continues", "anew", "restarts"]

RESTARTS: Final = frozenset({"source", "connection"})
"""Keys of a camera that say where its pictures come from and how."""

CONTINUES: Final = frozenset(
    {"analysed_fps", "zones", "lines", "sequences", "health", "motion", "detection", "thumbnails"}
)
"""Keys of a camera that tracks and open objects outlive."""

APPLIED: Final = frozenset({"cameras", "stats_every_s"})
"""Keys of the whole file that a running process takes over."""

APPLIED_OF_LINK: Final = frozenset({"daily_bytes", "day_zone"})
"""Keys of `link` that it takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """What is to be done, each camera named at most once.

    Attributes:
        added: cameras to start.
        removed: cameras to stop.
        restarted: cameras to close and open again.
        changed: cameras that look at their next frame in another way.
        needs_restart: keys that change only with a restart of the process.
        concerns_day: whether the limit of a day, or when a day begins, is another one.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    concerns_day: bool = False

    @property
    def concerns_cameras(self) -> bool:
        """Whether there is anything to be done to a camera."""
        return bool(self.added or self.removed or self.restarted or self.changed)


def look_change(before: CameraSettings, after: CameraSettings) -> LookChange:
    """Return what a camera's new settings ask of it."""
    keys = _changed_keys(before, after)
    if not keys:
        return "none"
    if keys & RESTARTS:
        return "restarts"
    return "continues" if keys <= CONTINUES else "anew"


def settings_change(running: EdgeSettings, wanted: EdgeSettings) -> SettingsChange:
    """Return what leads from the settings that run to those that are wanted; cameras in order of name."""
    link = _changed_keys(running.link, wanted.link)
    built = link - APPLIED_OF_LINK
    both = sorted(running.cameras.keys() & wanted.cameras.keys())
    changes = {name: look_change(running.cameras[name], wanted.cameras[name]) for name in both}
    return SettingsChange(
        added=tuple(sorted(wanted.cameras.keys() - running.cameras.keys())),
        removed=tuple(sorted(running.cameras.keys() - wanted.cameras.keys())),
        restarted=tuple(name for name in both if changes[name] == "restarts"),
        changed=tuple(name for name in both if changes[name] in {"continues", "anew"}),
        needs_restart=tuple(sorted(_changed_keys(running, wanted) - APPLIED - ({"link"} if not built else set()))),
        concerns_day=bool(link & APPLIED_OF_LINK),
    )


def applied(running: EdgeSettings, wanted: EdgeSettings) -> EdgeSettings:
    """Return the settings that run once the change is made: `wanted`, except where that needs a restart."""
    link = running.link.model_copy(update={key: getattr(wanted.link, key) for key in APPLIED_OF_LINK})
    return running.model_copy(update={key: getattr(wanted, key) for key in APPLIED} | {"link": link})


def _changed_keys(before: Settings, after: Settings) -> frozenset[str]:
    return frozenset(key for key in type(before).model_fields if getattr(before, key) != getattr(after, key))

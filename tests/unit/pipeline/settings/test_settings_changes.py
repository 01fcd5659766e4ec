"""From two versions of the settings to what a running box has to do."""

from typing import Any

import pytest

from winnow.pipeline.settings import (
    CameraSettings,
    EdgeSettings,
    LookChange,
    SettingsChange,
    applied,
    look_change,
    settings_change,
)
from winnow.pipeline.settings.changes import APPLIED, CONTINUES, RESTARTS

SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]


def camera(**keys: Any) -> CameraSettings:
    """Return a camera's settings."""
    return CameraSettings.model_validate({"source": "rtsp://192.0.2.1/a", **keys})


def edge(cameras: dict[str, Any], **keys: Any) -> EdgeSettings:
    """Return a box's settings."""
    whole = {name: {"source": f"rtsp://192.0.2.1/{name}", **look} for name, look in cameras.items()}
    return EdgeSettings.model_validate({**keys, "cameras": whole})


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        ({}, "none"),
        ({"zones": {"yard": {"points": SQUARE}}}, "continues"),
        ({"lines": {"door": {"points": [[0.1, 0.1], [0.9, 0.9]]}}}, "continues"),
        ({"motion": {"masks": [SQUARE]}}, "continues"),
        ({"motion": {"threshold": 30}}, "continues"),
        ({"thumbnails": {"redaction": "no-images"}}, "continues"),
        ({"analysed_fps": 2}, "continues"),
        ({"labels": ["dog"]}, "anew"),
        ({"tracking": {"lost_after_s": 9}}, "anew"),
        ({"labels": ["dog"], "analysed_fps": 2}, "anew"),
        ({"source": "rtsp://192.0.2.2/a"}, "restarts"),
        ({"source": "rtsp://192.0.2.2/a", "labels": ["dog"]}, "restarts"),
    ],
)
def test_change_of_a_camera_costs_no_more_than_it_must(keys: dict[str, Any], change: LookChange) -> None:
    """Only another source opens the camera again; rules, masks and pictures change under what is being followed."""
    assert look_change(camera(), camera(**keys)) == change


def test_cameras_come_go_and_change() -> None:
    """Each camera is named once, under what happens to it; one that is the same is not named."""
    running = edge({"same": {}, "gone": {}, "moved": {}, "redrawn": {}})
    wanted = edge({"same": {}, "new": {}, "moved": {"source": "/dev/video0"}, "redrawn": {"labels": ["dog"]}})
    assert settings_change(running, wanted) == SettingsChange(
        added=("new",), removed=("gone",), restarted=("moved",), changed=("redrawn",)
    )


@pytest.mark.parametrize(
    "keys", [{"mqtt": {"url": "mqtt://192.0.2.9"}}, {"spool": {"path": "/other"}}, {"node": "other"}, {"model": "m"}]
)
def test_what_is_built_once_waits_for_a_restart(keys: dict[str, Any]) -> None:
    """It is named, and the settings that run keep what it was, so that it is named again next time."""
    running, wanted = edge({"a": {}}), edge({"a": {"labels": ["dog"]}}, **keys)
    change = settings_change(running, wanted)
    assert change.needs_restart == tuple(keys)
    now = applied(running, wanted)
    assert now.cameras == wanted.cameras
    assert settings_change(now, wanted) == SettingsChange(needs_restart=tuple(keys))


@pytest.mark.parametrize(
    ("link", "needs_restart"),
    [
        ({"daily_bytes": 500_000}, ()),
        ({"day_zone": "Europe/Berlin"}, ()),
        ({"daily_bytes": 500_000, "batches": False}, ("link",)),
    ],
)
def test_limit_of_a_day_changes_while_the_box_runs(link: dict[str, Any], needs_restart: tuple[str, ...]) -> None:
    """What a day may carry is taken over at once; how messages are packed waits for a restart, and is named again."""
    running, wanted = edge({"a": {}}), edge({"a": {}}, link=link)
    change = settings_change(running, wanted)
    assert (change.concerns_day, change.needs_restart) == (True, needs_restart)
    now = applied(running, wanted)
    assert (now.link.daily_bytes, now.link.day_zone) == (wanted.link.daily_bytes, wanted.link.day_zone)
    assert now.link.batches
    assert settings_change(now, wanted) == SettingsChange(needs_restart=needs_restart)


def test_same_settings_ask_for_nothing() -> None:
    """Reading the same file again does nothing."""
    nothing = settings_change(edge({"a": {}}), edge({"a": {}}))
    assert nothing == SettingsChange()
    assert not nothing.concerns_cameras


def test_groups_name_keys_that_exist() -> None:
    """A key that was renamed cannot silently fall into the wrong group, and no key is in two."""
    assert set(CameraSettings.model_fields) >= RESTARTS | CONTINUES
    assert set(EdgeSettings.model_fields) >= APPLIED
    assert not RESTARTS & CONTINUES

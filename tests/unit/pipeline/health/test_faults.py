"""What is reported of drawn cameras that fail, and that nothing is of those that only look as if they did."""

from pathlib import Path

import pytest

from tests.synthetic.clips import Clip, encode
from tests.synthetic.faults import FAULT_AT_S, MENDED_AT_S, faults, healthy
from winnow.pipeline.health import HealthChange, HealthWatch
from winnow.pipeline.settings import HealthSettings
from winnow.pipeline.sources import FileSource

LATEST_S = {"frozen": 45}
"""How long after a fault begins it must be reported; 15 s for every other."""


def _changes(clip: Clip, folder: Path, *, is_live: bool = False) -> list[HealthChange]:
    watch = HealthWatch(HealthSettings(), is_live=is_live)
    with FileSource(encode(clip, folder / "clip.mp4")) as source:
        return [change for frame in source if (change := watch.see(frame, 0.0)) is not None]


@pytest.mark.parametrize("name", tuple(faults()))
def test_fault_is_reported_once_in_time_and_so_is_its_end(tmp_path: Path, name: str) -> None:
    """The right reason within 15 s (frozen: 45 s) of the fault, not before it; recovery within 15 s of its end."""
    reason, clip = faults()[name]
    broken, mended = _changes(clip, tmp_path)
    assert (broken.reason, broken.before, mended.reason, mended.before) == (reason, None, None, reason)
    assert FAULT_AT_S < broken.at_s <= FAULT_AT_S + LATEST_S.get(reason, 15)
    assert broken.since_s == pytest.approx(FAULT_AT_S, abs=2)
    assert MENDED_AT_S < mended.at_s <= MENDED_AT_S + 15


@pytest.mark.parametrize("name", tuple(healthy()))
def test_nothing_is_reported_of_a_camera_that_sees(tmp_path: Path, name: str) -> None:
    """Night, rain, noise, wind, lamps, the switch to infrared and a lorry that leaves are no faults."""
    assert _changes(healthy()[name], tmp_path) == []


def test_noiseless_pictures_of_a_camera_are_frozen_and_of_a_recording_are_not(tmp_path: Path) -> None:
    """No working sensor sends the same picture for half a minute; a drawing does."""
    clip = healthy()["still, without any noise"]
    assert _changes(clip, tmp_path) == []
    assert [change.reason for change in _changes(clip, tmp_path, is_live=True)] == ["frozen"]


def test_street_of_the_sample_clip_is_healthy(street_clip: Path) -> None:
    """80 s of real footage, with people close to the camera, give no alarm."""
    watch = HealthWatch(HealthSettings(), is_live=True)
    with FileSource(street_clip) as source:
        assert [change for frame in source if (change := watch.see(frame, 0.0)) is not None] == []

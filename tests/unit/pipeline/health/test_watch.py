"""Parts of a camera's health that no clip is needed for."""

from dataclasses import replace
from fractions import Fraction
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.synthetic.faults import street
from winnow.events.data import DegradedReason
from winnow.pipeline.health import HealthChange, HealthWatch
from winnow.pipeline.health.changes import Hysteresis
from winnow.pipeline.settings import HealthSettings
from winnow.pipeline.sources import Frame, Keyframe

VERDICTS: Final[tuple[DegradedReason | None, ...]] = (None, "black", "covered")


def _scene(turned: tuple[float, float] = (0, 0), *, rows: int = 360) -> NDArray[np.uint8]:
    whole = street()
    return whole.seen(whole.pixels, turned)[:rows].astype(np.uint8)


def _frame(luma: NDArray[np.uint8], at_s: int, *, epoch: int = 0, keyframe: Keyframe | None = None) -> Frame:
    whole = Frame.from_bgr(np.repeat(luma[..., None], 3, axis=2), index=at_s, frame_rate=1, stream_epoch=epoch)
    return replace(whole, keyframe=keyframe, is_key=keyframe is not None)


def _watched(watch: HealthWatch, luma: NDArray[np.uint8], seconds: range, *, epoch: int = 0) -> list[HealthChange]:
    changes = (watch.see(_frame(luma, at_s, epoch=epoch), float(at_s)) for at_s in seconds)
    return [change for change in changes if change is not None]


def _live(**settings: object) -> HealthWatch:
    return HealthWatch(HealthSettings.model_validate(settings), is_live=True)


@given(st.lists(st.sampled_from(VERDICTS), min_size=1, max_size=200))
def test_state_changes_only_after_ten_seconds_without_a_contrary_verdict(verdicts: list[DegradedReason | None]) -> None:
    """Whatever the verdicts are: well ↔ degraded needs eleven in a row that say so, and what follows from them."""
    hysteresis, before = Hysteresis(10), None
    for second, verdict in enumerate(verdicts):
        change = hysteresis.note(Fraction(second), verdict)
        last = verdicts[max(0, second - 10) : second + 1]
        if change is None:
            assert hysteresis.state == before
        else:
            assert len(last) == 11
            assert change.reason != before
            assert all((one is None) == (change.reason is None) for one in last)
            assert second - change.since_s == 10
        before = hysteresis.state


def test_fault_that_flickers_between_two_reasons_is_still_reported() -> None:
    """Dark and covered by turns for ten seconds is degraded, by the reason that was seen more often."""
    hysteresis = Hysteresis(10)
    changes = [hysteresis.note(Fraction(s), "black" if s % 3 else "covered") for s in range(11)]
    assert [change.reason for change in changes if change] == ["black"]


def test_state_lasts_over_a_jump_in_time_and_its_time_is_counted_anew() -> None:
    """The next file of a folder, still black, is not reported again; six seconds before and six after are not ten."""
    watch, black = _live(), np.full((360, 640), 16, np.uint8)
    assert _watched(watch, black, range(6)) == []
    assert _watched(watch, black, range(100, 106), epoch=1) == []
    assert [one.reason for one in _watched(watch, black, range(106, 112), epoch=1)] == ["black"]
    assert _watched(watch, black, range(200, 230), epoch=2) == []


def test_camera_that_comes_back_turned_is_moved() -> None:
    """What the camera usually shows outlives a lost connection."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    watch.interrupt()
    assert [one.reason for one in _watched(watch, _scene((0.1, 0)), range(60, 75), epoch=1)] == ["moved"]


def test_other_picture_size_is_another_view() -> None:
    """A camera that was set to another size and shape is learnt anew."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    assert _watched(watch, _scene((0.1, 0), rows=300), range(21, 60), epoch=1) == []


def test_moved_view_is_accepted_in_the_end() -> None:
    """An hour after the report the new view is the camera's own: it recovers, and the old view is then a move."""
    watch = _live(accept_move_after_s=60)
    _watched(watch, _scene(), range(20))
    turned, back = _watched(watch, _scene((0.1, 0)), range(20, 130)), _watched(watch, _scene(), range(130, 145))
    assert [(one.reason, float(one.at_s)) for one in turned + back] == [("moved", 30), (None, 100), ("moved", 140)]


def test_new_settings_accept_the_moved_view() -> None:
    """Who changes the settings has seen the camera: ten seconds later it is well."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    _watched(watch, _scene((0.1, 0)), range(20, 40))
    watch.change(HealthSettings())
    assert watch.state == "moved"
    assert [one.reason for one in _watched(watch, _scene((0.1, 0)), range(40, 60))] == [None]


def test_move_of_less_than_the_setting_is_none() -> None:
    """A mast that sways by 1 % of the picture is no reason for an alarm."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    assert _watched(watch, _scene((0.01, 0.01)), range(20, 60)) == []


def test_camera_covered_from_the_start_is_reported() -> None:
    """A picture without any contrast shows nothing, whatever the scene behind it is."""
    assert [one.reason for one in _watched(_live(), np.full((360, 640), 90, np.uint8), range(15))] == ["covered"]


@pytest.mark.parametrize("settings", [{"enabled": False}, {"checks": ("moved", "frozen")}])
def test_what_is_not_asked_for_is_not_reported(settings: dict[str, object]) -> None:
    """Neither a camera without health checks nor one without this check is ever black."""
    assert _watched(_live(**settings), np.full((360, 640), 16, np.uint8), range(60)) == []


def test_two_identical_keyframes_are_not_frozen() -> None:
    """With a keyframe every 25 s, two equal ones span 25 s and the third one proves it, at 50 s."""
    watch = _live(hold_s=1)
    changes = []
    for at_s in range(80):
        keyframe = Keyframe(number=at_s // 25 + 1, stream_s=Fraction(at_s // 25 * 25), digest=7)
        changes.append(watch.see(_frame(_scene(), at_s, keyframe=keyframe), 0.0))
    assert [(one.reason, float(one.since_s), float(one.at_s)) for one in changes if one] == [("frozen", 0, 51)]


def test_silent_connection_is_stalled_once_and_well_ten_seconds_after_it_speaks() -> None:
    """No packet for 10 s: stalled, since the last picture, said once; ten seconds of pictures end it."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    heard = [watch.hear(19 + silent / 2, 5000) for silent in range(60)]
    stalled = [change for change in heard if change is not None]
    assert [(one.reason, float(one.since_s), float(one.at_s)) for one in stalled] == [("stalled", 19, 29)]
    back = _watched(watch, _scene(), range(60, 80), epoch=1)
    assert [(one.reason, one.before, float(one.at_s)) for one in back] == [(None, "stalled", 70)]


def test_packets_without_pictures_are_corrupt() -> None:
    """Bytes come, and for ten seconds no picture can be made of them."""
    watch = _live()
    _watched(watch, _scene(), range(20))
    heard = [watch.hear(19 + silent / 2, 5000 + 100 * silent) for silent in range(60)]
    assert [change.reason for change in heard if change is not None] == ["corrupt"]


def test_recording_is_never_stalled() -> None:
    """Its reader decides how fast it goes."""
    watch = HealthWatch(HealthSettings(), is_live=False)
    _watched(watch, _scene(), range(20))
    assert [watch.hear(1000.0, 5000)] == [None]

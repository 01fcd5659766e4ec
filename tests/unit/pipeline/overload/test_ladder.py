"""When a camera steps back and when it comes forward again; pure, so every second is the test's."""

from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.overload import RUNGS, Ladder
from winnow.pipeline.overload.ladder import BACK_AFTER_S, LONGEST_BACK_S, UP_AFTER_S

PERIOD_S = 0.2


class Load:
    """A camera whose frames have the age that a test says, at the pace of the rung it is on."""

    def __init__(self) -> None:
        self.ladder = Ladder(PERIOD_S)
        self.now_s = 100.0
        self.rungs: list[int] = [0]

    def last(self, seconds: float, age_s: float) -> None:
        """Let frames of one age come for so long."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            self.now_s += self.ladder.period_s
            if self.ladder.note(age_s, self.now_s):
                self.rungs.append(self.ladder.number)


def test_steps_come_in_the_order_of_the_table() -> None:
    """Fewer frames, then a larger motion threshold, then no early pictures, then fewer frames still."""
    assert [rung.every for rung in RUNGS] == [1, 2, 2, 2, 4]
    assert [rung.threshold_factor > 1 for rung in RUNGS] == [False, False, True, True, True]
    assert [rung.sends_early for rung in RUNGS] == [True, True, True, False, False]
    load = Load()
    load.last(60, age_s=3.0)
    assert load.rungs == [0, 1, 2, 3, 4]
    assert load.ladder.steps_up == [0, 1, 1, 1, 1]


def test_late_frames_are_acted_upon_within_seconds() -> None:
    """Two seconds of frames older than a period: that is before p95 has passed two periods for long."""
    load = Load()
    load.last(UP_AFTER_S + 2 * PERIOD_S, age_s=1.1 * PERIOD_S)
    assert load.ladder.number == 1


def test_some_slow_frames_change_nothing() -> None:
    """One in three is chance: a key frame, a burst of detections."""
    load = Load()
    for _ in range(200):
        load.last(PERIOD_S, age_s=3 * PERIOD_S)
        load.last(2 * PERIOD_S, age_s=0.1 * PERIOD_S)
    assert load.rungs == [0]


def test_longer_period_allows_more_age() -> None:
    """Frames of 0.3 s are late at five a second and fine at two and a half."""
    load = Load()
    load.last(300, age_s=0.3)
    assert load.rungs == [0, 1]


def test_quiet_brings_the_camera_back_step_by_step() -> None:
    """Each step takes its own ten seconds."""
    load = Load()
    load.last(60, age_s=3.0)
    load.last(4 * BACK_AFTER_S + 8, age_s=0.02)
    assert load.rungs == [0, 1, 2, 3, 4, 3, 2, 1, 0]


def test_load_that_returns_makes_the_way_back_longer() -> None:
    """A load that appears whenever the camera has come back does not make it swing ever and ever."""
    load = Load()
    for _ in range(300):
        load.last(1.0, age_s=0.3 if load.ladder.number == 0 else 0.05)
    assert len(load.rungs) <= 12
    load.last(2 * LONGEST_BACK_S, age_s=0.02)
    assert load.ladder.number == 0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 2)), max_size=300))
def test_rungs_are_never_skipped(frames: list[tuple[float, float]]) -> None:
    """Whatever comes, each change is one step, none within the time that it takes, and the window stays small."""
    ladder, now_s, changed_at_s = Ladder(PERIOD_S), 0.0, 0.0
    for age_s, after_s in frames:
        now_s += after_s
        before = ladder.number
        if ladder.note(age_s, now_s):
            assert abs(ladder.number - before) == 1
            assert now_s - changed_at_s >= UP_AFTER_S or changed_at_s == 0.0
            changed_at_s = now_s
        else:
            assert ladder.number == before

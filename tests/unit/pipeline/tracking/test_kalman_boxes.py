"""The filter against the textbook, and boxes against arithmetic."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.tracking.boxes import apart, grown, overlaps, to_centres, to_corners
from winnow.pipeline.tracking.kalman import (
    ACCELERATION,
    FIRST_SPEED,
    MEASUREMENT_NOISE,
    BoxStates,
    carried,
    corrected,
    predicted,
)

BOX = np.array([[100.0, 200.0, 30.0, 75.0]])
SEEN = np.array([True])


def test_filter_equals_the_matrix_form() -> None:
    """For one coordinate, predicting and correcting give what the 2x2 matrix equations give."""
    size, elapsed_s = float(np.sqrt(30 * 75)), 0.2
    states = BoxStates.first(BOX)
    mean = np.array([100.0, 0.0])
    covariance = np.diag([float(states.var_position[0, 0]), (FIRST_SPEED[0] * size) ** 2])
    for measured in (104.0, 109.0, 113.0):
        states = predicted(states, elapsed_s, SEEN)
        noise = (ACCELERATION[0] * np.sqrt(states.position[0, 2] * states.position[0, 3])) ** 2
        move = np.array([[1, elapsed_s], [0, 1]])
        spread = np.array([[elapsed_s**3 / 3, elapsed_s**2 / 2], [elapsed_s**2 / 2, elapsed_s]])
        mean, covariance = move @ mean, move @ covariance @ move.T
        covariance = covariance + spread * (ACCELERATION[0] * size) ** 2
        assert noise == pytest.approx((ACCELERATION[0] * size) ** 2)
        states = corrected(states, np.array([[measured, 200.0, 30.0, 75.0]]))
        gain = covariance[:, 0] / (covariance[0, 0] + (MEASUREMENT_NOISE[0] * size) ** 2)
        mean = mean + gain * (measured - mean[0])
        covariance = covariance - np.outer(gain, covariance[0])
    assert states.position[0, 0] == pytest.approx(mean[0])
    assert states.velocity[0, 0] == pytest.approx(mean[1])
    assert states.var_position[0, 0] == pytest.approx(covariance[0, 0])
    assert states.covariance[0, 0] == pytest.approx(covariance[0, 1])
    assert states.var_velocity[0, 0] == pytest.approx(covariance[1, 1])


def test_shift_is_a_measurement_of_the_velocity() -> None:
    """For one coordinate, a shift seen by optical flow changes the state as the 2x2 matrix equations say."""
    states = corrected(predicted(BoxStates.first(BOX), 0.2, SEEN), BOX + np.array([6.0, 0, 0, 0]))
    before = predicted(states, 0.2, SEEN)
    noise = (0.06 * float(np.sqrt(before.position[0, 2] * before.position[0, 3])) / 0.2) ** 2
    mean = np.array([before.position[0, 0], before.velocity[0, 0]])
    off_diagonal = before.covariance[0, 0]
    covariance = np.array([[before.var_position[0, 0], off_diagonal], [off_diagonal, before.var_velocity[0, 0]]])
    gain = covariance[:, 1] / (covariance[1, 1] + noise)
    mean = mean + gain * (9.0 / 0.2 - mean[1])
    covariance = covariance - np.outer(gain, covariance[1])
    after = carried(before, 0.2, np.array([[9.0, 0.0]]), 0.06)
    assert [after.position[0, 0], after.velocity[0, 0]] == pytest.approx(mean.tolist())
    assert after.var_position[0, 0] == pytest.approx(covariance[0, 0])
    assert after.covariance[0, 0] == pytest.approx(covariance[0, 1])
    assert after.var_velocity[0, 0] == pytest.approx(covariance[1, 1])
    assert after.position[0, 2:].tolist() == before.position[0, 2:].tolist()


def test_steady_walk_is_learnt() -> None:
    """After two seconds of a steady walk the filter predicts the next box to within a pixel."""
    states = BoxStates.first(BOX)
    for step in range(1, 11):
        states = predicted(states, 0.2, SEEN)
        states = corrected(states, BOX + np.array([8.0 * step, 0, 0, 0]))
    assert predicted(states, 0.2, SEEN).position[0] == pytest.approx([188, 200, 30, 75], abs=1)


def test_unseen_box_slows_down() -> None:
    """A person who is hidden is not expected to run on; a seen one is."""
    states = BoxStates.first(BOX)
    states = corrected(predicted(states, 0.2, SEEN), BOX + np.array([20.0, 0, 0, 0]))
    unseen = predicted(states, 5.0, ~SEEN)
    assert abs(unseen.velocity[0, 0]) < abs(states.velocity[0, 0]) / 2
    assert predicted(states, 5.0, SEEN).velocity[0, 0] == states.velocity[0, 0]


@given(st.lists(st.floats(0.01, 2), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_variances_stay_positive(waits: list[float], luck: Random) -> None:
    """Whatever is seen or missed, no variance drops to zero and each 2x2 covariance stays one."""
    states = BoxStates.first(BOX)
    for wait in waits:
        states = predicted(states, wait, SEEN)
        if luck.random() < 0.7:
            states = corrected(states, BOX + 20 * (luck.random() - 0.5))
        assert (states.var_position > 0).all()
        assert (states.var_velocity > 0).all()
        assert (states.var_position * states.var_velocity - states.covariance**2 > 0).all()


def test_corners_and_centres_are_inverse() -> None:
    """Centre and size say the same as two corners."""
    corners = np.array([[85.0, 162.5, 115.0, 237.5]])
    assert np.array_equal(to_corners(BOX), corners)
    assert np.array_equal(to_centres(corners), BOX)


def test_grown_boxes_have_room_on_each_side() -> None:
    """A tenth of a 30 x 75 box is 3 and 7.5 pixels."""
    assert grown(to_corners(BOX), 0.1).tolist() == [[82.0, 155.0, 118.0, 245.0]]


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        ([0, 0, 10, 10], 1.0),
        ([5, 0, 15, 10], 1 / 3),
        ([10, 0, 20, 10], 0.0),
        ([20, 20, 30, 30], 0.0),
        ([2, 2, 4, 4], 0.04),
        ([5, 5, 5, 5], 0.0),
    ],
)
def test_overlap_is_intersection_over_union(other: list[float], overlap: float) -> None:
    """Touching is not overlapping, and an empty box overlaps nothing."""
    first = np.array([[0.0, 0.0, 10.0, 10.0]])
    assert overlaps(first, np.array([other], np.float64)) == pytest.approx(overlap)


def test_boxes_are_apart_if_they_do_not_touch_with_room_around_them() -> None:
    """Two boxes 20 px apart touch when each is grown by half of its width of 30, not when by a fifth."""
    boxes = np.array([[0.0, 0, 30, 75], [50, 0, 80, 75], [300, 0, 330, 75]])
    assert apart(boxes, 0.5).tolist() == [False, False, True]
    assert apart(boxes, 0.2).tolist() == [True, True, True]
    assert apart(np.empty((0, 4)), 0.5).tolist() == []

"""A Kalman filter with constant velocity for many boxes at once.

Centre and size are filtered as four independent numbers, each with its own velocity. Nothing couples them, so a 2x2
covariance each (three distinct entries) is the exact filter, and one array expression advances every track.
Source: Bewley et al., Simple Online and Realtime Tracking, ICIP 2016, for the model; Bar-Shalom et al., Estimation with
Applications to Tracking and Navigation, 2001, section 6.2, for the white noise acceleration.
"""

from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from winnow.pipeline.tracking.boxes import Boxes

Numbers = NDArray[np.float64]

MEASUREMENT_NOISE: Final = np.array((0.1, 0.1, 0.15, 0.15))
"""Standard deviation of a detection's centre x, centre y, width and height, as a share of the box's size."""

FIRST_SPEED: Final = np.array((1.0, 1.0, 0.2, 0.2))
"""Standard deviation of the velocity of a new track's centre x, centre y, width and height: box sizes a second."""

ACCELERATION: Final = np.array((0.8, 0.8, 0.05, 0.05))
"""How strongly centre x, centre y, width and height may change their velocity: box sizes / s^1.5. Sizes hardly do: a
box that suddenly shrinks is half hidden, and believing it would lose the person behind."""

UNSEEN_SPEED_HALF_LIFE_S: Final = np.array((2.0, 2.0, 0.25, 0.25))
"""A box that is not seen slows down: people stop behind things, and a size must not grow on its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BoxStates:
    """What is believed of N boxes; each array is float64 (N, 4): centre x, centre y, width, height, in pixels.

    Attributes:
        position: the estimate.
        velocity: its change a second.
        var_position: variance of the position.
        covariance: of position and velocity.
        var_velocity: variance of the velocity.
    """

    position: Numbers
    velocity: Numbers
    var_position: Numbers
    covariance: Numbers
    var_velocity: Numbers

    def __len__(self) -> int:
        return len(self.position)

    @classmethod
    def first(cls, measured: Boxes) -> Self:
        """Return the states of boxes that were seen once, at rest as far as anyone knows."""
        size = _sizes(measured)
        zeros = np.zeros_like(measured)
        return cls(
            position=measured,
            velocity=zeros,
            var_position=zeros + (MEASUREMENT_NOISE * size) ** 2,
            covariance=zeros,
            var_velocity=zeros + (FIRST_SPEED * size) ** 2,
        )

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """Return the chosen rows."""
        return type(self)(
            position=self.position[chosen],
            velocity=self.velocity[chosen],
            var_position=self.var_position[chosen],
            covariance=self.covariance[chosen],
            var_velocity=self.var_velocity[chosen],
        )

    def with_rows(self, chosen: NDArray[np.intp], states: Self) -> Self:
        """Return these states with the chosen rows replaced."""
        if len(chosen) == len(self):
            # Each row is replaced, no two of `chosen` are the same.
            return states.rows(np.argsort(chosen))
        replaced = {}
        for field in fields(self):
            column = getattr(self, field.name).copy()
            column[chosen] = getattr(states, field.name)
            replaced[field.name] = column
        return type(self)(**replaced)

    def followed_by(self, states: Self) -> Self:
        """Return these rows, then the others."""
        return type(self)(
            **{
                field.name: np.concatenate((getattr(self, field.name), getattr(states, field.name)))
                for field in fields(self)
            }
        )


def predicted(states: BoxStates, elapsed_s: float, seen: NDArray[np.bool_]) -> BoxStates:
    """Return the states `elapsed_s` later.

    Args:
        states: N boxes.
        elapsed_s: 0 or more.
        seen: (N,), whether a box was seen at the last look; the others slow down.
    """
    velocity = states.velocity
    if not seen.all():
        velocity = velocity * np.where(seen[:, None], 1.0, np.exp2(-elapsed_s / UNSEEN_SPEED_HALF_LIFE_S))
    noise = (ACCELERATION * _sizes(states.position)) ** 2
    return BoxStates(
        position=states.position + states.velocity * elapsed_s,
        velocity=velocity,
        var_position=states.var_position
        + (2 * states.covariance + states.var_velocity * elapsed_s) * elapsed_s
        + noise * (elapsed_s**3 / 3),
        covariance=states.covariance + states.var_velocity * elapsed_s + noise * (elapsed_s**2 / 2),
        var_velocity=states.var_velocity + noise * elapsed_s,
    )


def carried(states: BoxStates, elapsed_s: float, shifts: Numbers, noise: float) -> BoxStates:
    """Return the states after each centre was seen to move by `shifts` in the last `elapsed_s`; rows correspond.

    A shift measures the mean velocity of that time. Position and velocity are corrected together, as their covariance
    demands: without noise the centre goes exactly as far as it was seen to go.

    Args:
        states: as predicted for the end of that time.
        elapsed_s: above 0.
        shifts: (N, 2), pixels.
        noise: standard deviation of a shift, as a share of the box's size.
    """
    innovation = states.var_velocity[:, :2] + (noise * _sizes(states.position) / elapsed_s) ** 2
    position_gain = states.covariance[:, :2] / innovation
    velocity_gain = states.var_velocity[:, :2] / innovation
    residual = shifts / elapsed_s - states.velocity[:, :2]
    return BoxStates(
        position=_with_centres(states.position, states.position[:, :2] + position_gain * residual),
        velocity=_with_centres(states.velocity, states.velocity[:, :2] + velocity_gain * residual),
        var_position=_with_centres(
            states.var_position, states.var_position[:, :2] - position_gain * states.covariance[:, :2]
        ),
        covariance=_with_centres(states.covariance, states.covariance[:, :2] * (1 - velocity_gain)),
        var_velocity=_with_centres(states.var_velocity, states.var_velocity[:, :2] * (1 - velocity_gain)),
    )


def corrected(states: BoxStates, measured: Boxes) -> BoxStates:
    """Return the states after each box was measured once; rows correspond."""
    innovation = states.var_position + (MEASUREMENT_NOISE * _sizes(measured)) ** 2
    gain = states.var_position / innovation
    velocity_gain = states.covariance / innovation
    residual = measured - states.position
    return BoxStates(
        position=states.position + gain * residual,
        velocity=states.velocity + velocity_gain * residual,
        var_position=states.var_position * (1 - gain),
        covariance=states.covariance * (1 - gain),
        var_velocity=states.var_velocity - velocity_gain * states.covariance,
    )


def _with_centres(numbers: Numbers, centres: Numbers) -> Numbers:
    """Return the numbers with their first two columns replaced; sizes are as they were."""
    return np.concatenate((centres, numbers[:, 2:]), axis=1)


def _sizes(boxes_cxcywh: Boxes) -> Numbers:
    """Return the geometric mean of width and height, (N, 1), at least one pixel."""
    sides = np.maximum(boxes_cxcywh[:, 2:], 1.0)
    sizes: Numbers = np.sqrt(sides[:, :1] * sides[:, 1:])
    return sizes

"""An hour of a street, drawn: a car parks in it, people pass by in front of it and behind it, a statue stands there."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Final, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.events import Event
from winnow.events.data import ObjectEnded, ObjectUpdated
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import CameraSettings, HealthSettings
from winnow.pipeline.sources import Frame
from winnow.pipeline.sources.recorded import RecordedSource
from winnow.pipeline.testing import ColourBoxDetector
from winnow.runtime.testing import ManualClock

if TYPE_CHECKING:
    from winnow.pipeline.event_maker import Message

WIDTH, HEIGHT, FPS = 256, 144, 1
PARKS_S, LEAVES_S, ENDS_S = 20, 3620, 3650
PASSES_EVERY_S: Final = 150
PEOPLE: Final = 24
WARM_S: Final = 300
GROWTH_BYTES: Final = 4 * 1024 * 1024
"""The pictures of the 55 minutes in between would take 360 MB, their brightness alone 120."""

WALK_S: Final = 40
"""How long somebody is in the picture: 7 pixels a second."""

RED: Final = np.array((-70, -70, 60))
GREEN: Final = np.array((-70, 60, -70))
BLUE: Final = np.array((60, -70, -70))
GROUNDS: Final = 16
Box = tuple[int, int, int, int]
SETTINGS: Final = CameraSettings(source="hour", health=HealthSettings(enabled=False))
"""The car is the larger part of what this scene shows: without it, it is another scene."""

STATUE: Final[Box] = (206, 40, 218, 80)


def car(at_s: float) -> Box:
    """Return where the car is: it comes from the left, stands for an hour, and drives off to the right."""
    x = round(min(at_s / PARKS_S, 1) * 140 - 60 + max(0.0, at_s - LEAVES_S) * 12)
    return x, 70, x + 60, 104


def passer(at_s: float) -> tuple[Box | None, bool]:
    """Return who walks by if anybody does, and whether in front of the car; every second one goes the other way."""
    number, since_s = divmod(at_s - 30, PASSES_EVERY_S)
    x = round(-12 + since_s * (WIDTH + 24) / WALK_S)
    x, feet = x if number % 2 else WIDTH - x, 116 if number % 3 else 84
    is_there = 0 <= number < PEOPLE and since_s <= WALK_S
    return ((x - 6, feet - 36, x + 6, feet) if is_there else None), feet == 116


class Hour(RecordedSource):
    """The frames of the hour, drawn as they are read, with a sensor's noise."""

    def __init__(self) -> None:
        super().__init__(Path("hour"))
        self.resident_bytes: list[int] = []
        random = np.random.default_rng(1)
        self._grounds = random.integers(92, 104, (GROUNDS, HEIGHT, WIDTH, 1), np.uint8).repeat(3, axis=3)

    def __enter__(self) -> Self:
        """Begin."""
        self._tally.connection = "online"
        self._frames = self._draw()
        return self

    def _draw(self) -> Iterator[Frame]:
        for index in range(ENDS_S * FPS):
            if index in {WARM_S * FPS, LEAVES_S * FPS}:
                self.resident_bytes.append(_resident_bytes())
            yield self._frame(index)
        self._tally.connection = "ended"

    def _frame(self, index: int) -> Frame:
        ground = self._grounds[index * 7 % GROUNDS]
        pixels = ground.copy()
        for (x1, y1, x2, y2), colour in _things(index / FPS):
            part = np.s_[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
            pixels[part] = ground[part] + colour  # never below 0 nor above 255
        return Frame.from_bgr(pixels, index=index, frame_rate=FPS)


def _resident_bytes() -> int:
    """Return what this process holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _things(at_s: float) -> Iterator[tuple[Box, NDArray[np.int_]]]:
    """Give what is in the picture, from the back to the front."""
    walks, is_in_front = passer(at_s)
    yield STATUE, GREEN
    if walks and not is_in_front:
        yield walks, RED
    yield car(at_s), BLUE
    if walks and is_in_front:
        yield walks, RED


@pytest.mark.timeout(300)  # 3650 pictures: a few seconds alone, minutes on a machine with ten other things to do
def test_car_that_stays_for_an_hour_is_one_object_whoever_passes() -> None:
    """It starts and ends once, everybody who walks is one object too, the statue is none, and memory stays flat."""
    messages: list[Message] = []
    hour = Hour()
    Camera(
        CameraPlan(node="n", name="c", settings=SETTINGS, footage="hour"),
        source=hour,
        detector=ColourBoxDetector({"red": "person", "green": "person", "blue": "car"}),
        accept=messages.extend,
        clock=ManualClock(),
        pace=Pace(None),
    ).run(Flag())
    told = [(one.kind, one.data) for one in messages if isinstance(one, Event)]
    ended = [data for _, data in told if isinstance(data, ObjectEnded)]
    assert Counter(data.label for data in ended) == {"car": 1, "person": PEOPLE}
    assert Counter(kind for kind, _ in told)["object.started"] == len(ended)
    (parked,) = (data for data in ended if data.label == "car")
    assert parked.dwell_s > LEAVES_S
    updates = [data.change for _, data in told if isinstance(data, ObjectUpdated) and data.label == "car"]
    assert updates == ["stationary", "moving"]
    warm_bytes, late_bytes = hour.resident_bytes
    assert late_bytes - warm_bytes < GROWTH_BYTES

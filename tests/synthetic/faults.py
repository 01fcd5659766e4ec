"""Clips of cameras that fail after a while, each in another way, and of cameras that only look as if they did."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from tests.synthetic import weather
from tests.synthetic.clips import Clip
from tests.synthetic.scenery import Picture, Street, Walker, draw_street

FAULT_AT_S: Final = 21.0
MENDED_AT_S: Final = 66.0
ENDS_AT_S: Final = 84.0
WALKER: Final = Walker(starts_s=3, ends_s=80, height=0.16, from_x=-0.05, ground_y=0.8)


@cache
def street() -> Street:
    """Return the street of all these clips."""
    return draw_street(640, 360)


def _clip(
    *effects: weather.Effect, turned: tuple[float, float] = (0, 0), seconds: float = ENDS_AT_S, **options: str
) -> Clip:
    return Clip(
        street=street(),
        seconds=seconds,
        fps=2,
        walkers=(WALKER,),
        effects=effects,
        options=tuple(options.items()),
        turned=lambda at_s: turned if FAULT_AT_S <= at_s < MENDED_AT_S else (0, 0),
    )


def _fault(effect: weather.Effect) -> weather.Effect:
    return weather.from_time(FAULT_AT_S, effect, MENDED_AT_S)


def _frozen() -> weather.Effect:
    """The last picture again and again, the sensor's noise included."""
    kept: list[Picture] = []

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - time stands still
        if not kept:
            kept.append(picture.copy())
        return kept[0]

    return effect


def _shaken(turns: float) -> weather.Effect:
    """The camera hangs askew, by so many degrees."""

    def effect(picture: Picture, at_s: float) -> Picture:  # noqa: ARG001 - it stays so
        height, width = picture.shape
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turns, 1.0)
        return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.float32)

    return effect


def _lorry(leaves_s: float) -> weather.Effect:
    """A lorry hides half of the street, and drives away."""

    def effect(picture: Picture, at_s: float) -> Picture:
        height, width = picture.shape
        picture = picture.copy()
        box = picture[height // 4 : height * 9 // 10, width // 10 : width * 6 // 10]
        if at_s < leaves_s:
            box[:] = 190
            box[height // 12 : height // 4, width // 16 : -width // 16 : 3] = 80
            box[-height // 10 :] = 40
        return picture

    return effect


def faults() -> Mapping[str, tuple[str, Clip]]:
    """Return by name what must be reported and the clip; the fault lasts from `FAULT_AT_S` to `MENDED_AT_S`."""
    grain = weather.noise(2)
    return MappingProxyType(
        {
            "dead sensor": ("black", _clip(_fault(weather.uniform(17)), grain)),
            "night without light": ("black", _clip(_fault(weather.lamp({0: 0.07})), grain)),
            "sun": ("white", _clip(_fault(weather.uniform(233)), grain)),
            "lens cap": ("covered", _clip(_fault(weather.uniform(44)), grain)),
            "cloth": ("covered", _clip(_fault(weather.cloth()), grain)),
            "out of focus": ("covered", _clip(_fault(weather.defocused(0.02)), grain)),
            "turned by 4 degrees": ("moved", _clip(grain, turned=(0.045, 0.0))),
            "turned by 15 degrees": ("moved", _clip(grain, turned=(0.16, 0.05))),
            "turned away": ("moved", _clip(grain, turned=(-0.25, 0.25))),
            "hangs askew": ("moved", _clip(_fault(_shaken(6)), grain)),
            "frozen": ("frozen", _clip(grain, _fault(_frozen()), crf="-1", qp="28")),
        }
    )


def healthy() -> Mapping[str, Clip]:
    """Return clips of cameras that see what they should, by name."""
    grain, scene = weather.noise(2), street()
    return MappingProxyType(
        {
            "still": _clip(grain),
            "still, without any noise": Clip(street=scene, seconds=60, fps=2, options=(("crf", "-1"), ("qp", "28"))),
            "noise": _clip(weather.noise(10), seconds=50),
            "dusk": _clip(weather.dusk(15, 75, night=0.2)),
            "infrared": _clip(weather.infrared(20, scene), grain, seconds=50),
            "infrared at the end of dusk": _clip(weather.dusk(5, 35, night=0.2), weather.infrared(40, scene), grain),
            "rain": _clip(weather.rain(200), grain, seconds=50),
            "rain begins": _clip(weather.from_time(20, weather.rain(200)), grain, seconds=50),
            "light switch": _clip(weather.lamp({20: 0.45, 35: 1.0}), grain, seconds=50),
            "flicker": _clip(weather.flicker(0.1), grain, seconds=50),
            "wind": _clip(weather.wind(scene), grain, seconds=50),
            "lorry leaves": _clip(_lorry(25), grain, seconds=50),
        }
    )

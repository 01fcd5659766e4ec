"""The clips in which the motion gate must find one small walker, whatever the weather, the light and the encoder do."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from tests.synthetic import weather
from tests.synthetic.clips import Clip
from tests.synthetic.scenery import Street, Walker, draw_street

SIZE: Final = (848, 480)
WALKER: Final = Walker(starts_s=6, ends_s=16)
"""60 pixels of 1080 tall, 45 grey levels darker than the pavement by day; here nobody before and after."""

LAMP_AT_S: Final = (4.0, 9.0, 13.0)
INFRARED_AT_S: Final = 9.0
TREE_MASK: Final = ((0.53, 0.0), (0.95, 0.0), (0.95, 0.56), (0.53, 0.56))
"""Around the tree, as somebody would draw it; the pavement in front of it stays outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a clip of 18 s is like, and what is asked of the gate in it.

    Attributes:
        clip: the clip.
        is_seen: least share of the analysed frames with the walker in which a region covers the walker.
        is_open: most share of those without in which there is any region.
        masks: the gate's.
    """

    clip: Clip
    is_seen: float
    is_open: float
    masks: tuple[tuple[tuple[float, float], ...], ...] = ()


@cache
def street() -> Street:
    """Return the street of all these clips."""
    return draw_street(*SIZE)


def weathers() -> Mapping[str, Weather]:
    """Return the clips by name; each call makes effects that start from the same seeds."""
    scene, calm = street(), weather.noise(2)

    def clip(*effects: weather.Effect, gop_s: float = 2, **options: str) -> Clip:
        return Clip(
            street=scene,
            seconds=18,
            walkers=(WALKER,),
            effects=effects,
            gop_s=gop_s,
            options=tuple(options.items()),
        )

    lamp = weather.lamp(dict(zip(LAMP_AT_S, (0.55, 1.0, 0.5), strict=True)))
    constant = {"b": "120k", "maxrate": "120k", "bufsize": "60k", "crf": "23"}
    wind = clip(weather.wind(scene), calm)
    return MappingProxyType(
        {
            "still": Weather(clip=clip(calm), is_seen=0.98, is_open=0),
            "noise": Weather(clip=clip(weather.noise(8)), is_seen=0.98, is_open=0),
            "lamp": Weather(clip=clip(lamp, calm), is_seen=0.9, is_open=0),
            "dusk": Weather(clip=clip(weather.dusk(2, 16, night=0.4)), is_seen=0.9, is_open=0),
            "infrared": Weather(clip=clip(weather.infrared(INFRARED_AT_S, scene), calm), is_seen=0.9, is_open=0),
            "flicker": Weather(clip=clip(weather.flicker(0.1), calm), is_seen=0.95, is_open=0.05),
            "rain": Weather(clip=clip(weather.rain(250), calm), is_seen=0.9, is_open=0.25),
            "wind": Weather(clip=wind, is_seen=0.95, is_open=0.05),
            "wind, masked": Weather(clip=wind, is_seen=0.95, is_open=0, masks=(TREE_MASK,)),
            "keyframe pulses": Weather(clip=clip(weather.noise(4), crf="40"), is_seen=0.95, is_open=0.05),
            "constant bitrate": Weather(clip=clip(weather.noise(4), gop_s=4, **constant), is_seen=0.95, is_open=0.1),
        }
    )

"""The way to the broker: how bytes are saved on it, and how many a day it may carry."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from winnow.runtime.settings import Settings


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError) as exc:
        raise ValueError(f"{name!r} is no time zone of this machine; write for example Europe/Berlin or UTC") from exc
    return name


class LinkSettings(Settings):
    """The way to the broker.

    Attributes:
        batches: send what is ready in one compressed batch. False publishes every message on its own topic, for
            programs beside Winnow's gateway that subscribe to single events; it takes four times the bytes.
        picture_wait_s: a picture waits so long for an event that takes it along.
        daily_bytes: what may be sent a day, for links that are paid by volume; None sets no limit. Pictures shrink when
            7 tenths are used and stop at 9 tenths; events are always sent.
        day_zone: time zone in which a day begins, for this limit and for the sums by day.
    """

    batches: bool = True
    picture_wait_s: Annotated[float, Field(ge=0, le=60)] = 0.8
    daily_bytes: Annotated[int, Field(ge=100_000)] | None = None
    day_zone: Annotated[str, AfterValidator(_check_zone)] = "UTC"

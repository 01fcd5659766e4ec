"""Who is in a zone, since when and for how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from winnow.pipeline.rules.geometry import PixelPoint, depth_inside, room_inside
from winnow.pipeline.rules.hysteresis import Holding, Side, side_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChange:
    """An object came into the zone, or left it.

    Attributes:
        kind: which of the two.
        dwell_s: how long it was inside, from first to last; 0 when it came.
    """

    kind: Literal["entered", "exited"]
    dwell_s: Fraction = Fraction(0)


@dataclass(slots=True, kw_only=True)
class _Visitor:
    holding: Holding
    inside_since_s: Fraction | None = None
    last_inside_s: Fraction = Fraction(0)


class Zone:
    """One zone of one camera. An object that is first seen inside has entered it as well.

    Args:
        polygon: corners in order, pixels.
        band: pixels on both sides of the border that are neither inside nor outside; less in a narrow zone.
    """

    def __init__(self, polygon: Sequence[PixelPoint], *, band: float) -> None:
        self._polygon = tuple(polygon)
        self._band = min(band, room_inside(polygon))
        self._visitors: dict[int, _Visitor] = {}

    def see(self, track: int, point: PixelPoint, at_s: Fraction) -> ZoneChange | None:
        """Return what changed now that the object was seen at `point`."""
        visitor = self._visitors.setdefault(track, _Visitor(holding=Holding(held=Side.NEGATIVE)))
        side = side_of(depth_inside(self._polygon, point), self._band)
        before, visitor.holding = visitor.holding, visitor.holding.seen(side, at_s)
        if visitor.holding.held is Side.POSITIVE and side is not Side.NEGATIVE:
            visitor.last_inside_s = at_s
        if before.held is visitor.holding.held:
            return None
        if visitor.holding.held is Side.POSITIVE:
            visitor.inside_since_s = visitor.holding.since_s
            return ZoneChange(kind="entered")
        return _left(visitor)

    def is_inside(self, track: int) -> bool:
        """Return whether the object has entered and not left."""
        visitor = self._visitors.get(track)
        return visitor is not None and visitor.inside_since_s is not None

    def forget(self, track: int) -> ZoneChange | None:
        """Return that the object left, if it was inside when it ended; keep nothing of it."""
        visitor = self._visitors.pop(track, None)
        return None if visitor is None or visitor.inside_since_s is None else _left(visitor)


def _left(visitor: _Visitor) -> ZoneChange:
    since_s = visitor.inside_since_s
    visitor.inside_since_s = None
    return ZoneChange(kind="exited", dwell_s=visitor.last_inside_s - (since_s or Fraction(0)))

"""Who is in a zone, since when and for how long.

An object is on a side of the border, see `hysteresis`; it *visits* the zone from when it is inside and counts (its
looks pass the filter, the zone is watched at this hour) until it is outside, ends, or the zone is no longer watched.
Once it visits, it stays however it looks.

A visit lasts from the moment at which the object's way met the border to that at which it met it again. It is proven up
to the last time the object was present: seen inside, or held to be where it was because nothing moved in the picture.
Only proven time makes a dwell. An object that is missed for a while is neither inside nor outside, so its visit goes
on; if it never comes back, the visit ended when it was last present.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from winnow.pipeline.rules.geometry import FramedPolygon, PixelPoint, moment_between, room_inside
from winnow.pipeline.rules.hysteresis import Holding, Side, side_of
from winnow.pipeline.rules.lines import Admits
from winnow.pipeline.rules.memories import swap_values


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChange:
    """An object came into the zone, has been in it long enough, or left it.

    Attributes:
        kind: which of them.
        at_s: when.
        dwell_s: how long it had been inside by then.
    """

    kind: Literal["entered", "dwelled", "exited"]
    at_s: Fraction
    dwell_s: Fraction = Fraction(0)


@dataclass(slots=True, kw_only=True)
class _Visitor:
    """What a zone remembers of one object.

    Attributes:
        holding: the side it holds; positive is inside.
        depth: last distance from the border; negative outside.
        seen_s: when that was.
        border_s: when its way last met the border; before it ever did, its first sighting.
        present_s: when it was last surely inside or on the border.
        entered_s: since when it visits; None if it does not.
        has_dwelled: this visit's dwell was told.
    """

    holding: Holding
    depth: float
    seen_s: Fraction
    border_s: Fraction
    present_s: Fraction
    entered_s: Fraction | None = None
    has_dwelled: bool = False


class Zone:
    """One zone of one camera. An object that is first seen inside has entered it as well.

    Args:
        polygon: corners in order, pixels.
        frame_size: width and height in pixels. What lies on the frame's own edge is no border: whoever is cut off by it
            is as deep inside as the rest of the border is far.
        band: pixels on both sides of the border that are neither inside nor outside; less in a narrow zone.
        dwell_s: how long a visit lasts that is told while it lasts; None tells none.
    """

    def __init__(
        self,
        polygon: Sequence[PixelPoint],
        *,
        frame_size: tuple[int, int],
        band: float,
        dwell_s: Fraction | None = None,
    ) -> None:
        self._polygon = FramedPolygon(polygon, frame_size)
        self._band = min(band, room_inside(polygon))
        self._dwell_s = dwell_s
        self._visitors: dict[int, _Visitor] = {}
        self.changed_s = Fraction(0)

    @property
    def count(self) -> int:
        """How many objects visit the zone; `changed_s` is when the last one came or went."""
        return sum(visitor.entered_s is not None for visitor in self._visitors.values())

    def see(self, track: int, point: PixelPoint, at_s: Fraction, admits: Admits) -> list[ZoneChange]:
        """Return what changed now that the object was seen at `point`."""
        depth = self._polygon.depth_inside(point)
        visitor = self._visitors.get(track)
        if visitor is None:
            outside = Holding(held=Side.NEGATIVE)
            visitor = _Visitor(holding=outside, depth=depth, seen_s=at_s, border_s=at_s, present_s=at_s)
            self._visitors[track] = visitor
        elif (visitor.depth > 0) != (depth > 0):
            share = visitor.depth / (visitor.depth - depth)
            visitor.border_s = moment_between(visitor.seen_s, at_s, share)
        visitor.depth, visitor.seen_s = depth, at_s
        side = side_of(depth, self._band)
        before, visitor.holding = visitor.holding, visitor.holding.seen(side, at_s)
        if side is not Side.NEGATIVE:
            visitor.present_s = at_s
        if before.held is Side.NEGATIVE and visitor.holding.held is Side.POSITIVE and admits(visitor.border_s):
            return self._came(visitor, visitor.border_s)
        return self._judged(visitor, at_s, admits)

    def stay(self, track: int, at_s: Fraction, admits: Admits) -> list[ZoneChange]:
        """Return what changed now that the object is held to be where it was last seen."""
        visitor = self._visitors.get(track)
        if visitor is None:
            return []
        if visitor.depth > -self._band:
            visitor.present_s = at_s
        return self._judged(visitor, at_s, admits)

    def is_inside(self, track: int) -> bool:
        """Return whether the object has entered and not left."""
        visitor = self._visitors.get(track)
        return visitor is not None and visitor.entered_s is not None

    def last_present_s(self, track: int) -> Fraction | None:
        """Return when an object was last surely inside or on the border; None if it was never seen."""
        visitor = self._visitors.get(track)
        return None if visitor is None else visitor.present_s

    def swap(self, track: int, other: int) -> None:
        """Take what is known of one object for what is known of the other."""
        swap_values(self._visitors, track, other)

    def forget(self, track: int) -> list[ZoneChange]:
        """Return that the object left, if it was inside when it ended; keep nothing of it."""
        visitor = self._visitors.pop(track, None)
        return [] if visitor is None else self._left(visitor, visitor.present_s)

    def close(self) -> list[tuple[int, ZoneChange]]:
        """Return that everybody left, because the zone is no longer watched."""
        return [
            (track, change)
            for track, visitor in self._visitors.items()
            for change in self._left(visitor, visitor.present_s)
        ]

    def _judged(self, visitor: _Visitor, at_s: Fraction, admits: Admits) -> list[ZoneChange]:
        is_held = visitor.holding.held is Side.POSITIVE
        if visitor.entered_s is None:
            is_here = is_held and visitor.present_s == at_s
            return self._came(visitor, at_s) if is_here and admits(at_s) else []
        return self._stayed(visitor, visitor.present_s) if is_held else self._left(visitor, visitor.border_s)

    def _came(self, visitor: _Visitor, at_s: Fraction) -> list[ZoneChange]:
        visitor.entered_s = self.changed_s = at_s
        visitor.has_dwelled = False
        return [ZoneChange(kind="entered", at_s=at_s), *self._stayed(visitor, visitor.present_s)]

    def _stayed(self, visitor: _Visitor, until_s: Fraction) -> list[ZoneChange]:
        if visitor.entered_s is None or self._dwell_s is None or visitor.has_dwelled:
            return []
        if until_s - visitor.entered_s < self._dwell_s:
            return []
        visitor.has_dwelled = True
        return [ZoneChange(kind="dwelled", at_s=visitor.entered_s + self._dwell_s, dwell_s=self._dwell_s)]

    def _left(self, visitor: _Visitor, at_s: Fraction) -> list[ZoneChange]:
        if visitor.entered_s is None:
            return []
        at_s = max(at_s, visitor.entered_s)
        dwelled = self._stayed(visitor, at_s)
        dwell_s, visitor.entered_s = at_s - visitor.entered_s, None
        self.changed_s = at_s
        return [*dwelled, ZoneChange(kind="exited", at_s=at_s, dwell_s=dwell_s)]

"""Several pictures on as few sheets as possible.

Guillotine packing: a picture goes into the free rectangle that it leaves the least of, and what is left of that
rectangle is cut in two. Source: Jylänki, A Thousand Ways to Pack the Bin, 2010, section 3 (best area fit, shorter
leftover axis split).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

GAP_PX: Final = 8
"""Between two pictures, so that the edge between them is not taken for a thing's; one cell of the detector's grid."""

_Free = tuple[int, int, int, int]
"""left, top, width, height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a picture lies: the sheet's number from 0, and its left upper corner on it."""

    sheet: int
    left: int
    top: int


def packed(sizes: Sequence[tuple[int, int]], sheet_size: tuple[int, int], sheets: int) -> list[Place] | None:
    """Return a place for each picture, or None if they were not fitted in.

    Args:
        sizes: width and height of each picture.
        sheet_size: width and height of a sheet.
        sheets: how many there are.
    """
    # A gap right of and below every picture, and a sheet that is larger by it: the last one needs none.
    whole = (0, 0, sheet_size[0] + GAP_PX, sheet_size[1] + GAP_PX)
    free: list[list[_Free]] = [[whole] for _ in range(sheets)]
    places: dict[int, Place] = {}
    for index in sorted(range(len(sizes)), key=lambda index: (-sizes[index][0] * sizes[index][1], index)):
        size = (sizes[index][0] + GAP_PX, sizes[index][1] + GAP_PX)
        sheet = next((number for number, rectangles in enumerate(free) if _best(rectangles, size) is not None), None)
        if sheet is None:
            return None
        best = _best(free[sheet], size)
        if best is None:  # pragma: no cover - the sheet was chosen for having room
            return None
        free[sheet].remove(best)
        free[sheet] += _left_over(best, size)
        places[index] = Place(sheet=sheet, left=best[0], top=best[1])
    return [places[index] for index in range(len(sizes))]


def _best(free: Sequence[_Free], size: tuple[int, int]) -> _Free | None:
    fitting = [rectangle for rectangle in free if rectangle[2] >= size[0] and rectangle[3] >= size[1]]
    return min(fitting, key=lambda rectangle: rectangle[2] * rectangle[3], default=None)


def _left_over(free: _Free, size: tuple[int, int]) -> list[_Free]:
    left, top, width, height = free
    across, down = width - size[0], height - size[1]
    if across < down:
        pieces = [(left + size[0], top, across, size[1]), (left, top + size[1], width, down)]
    else:
        pieces = [(left + size[0], top, across, height), (left, top + size[1], size[0], down)]
    return [piece for piece in pieces if piece[2] > 0 and piece[3] > 0]

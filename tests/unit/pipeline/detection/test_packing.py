"""Pictures on sheets."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.detection.packing import GAP_PX, packed

SHEET = (416, 416)
SIZES = st.tuples(st.integers(1, 416), st.integers(1, 416))


@given(st.lists(SIZES, max_size=12), st.integers(1, 3))
def test_pictures_never_touch_or_leave_the_sheet(sizes: list[tuple[int, int]], sheets: int) -> None:
    """Whatever is packed has its place on one sheet, and a gap to its neighbours."""
    places = packed(sizes, SHEET, sheets)
    if places is None:
        return
    for (width, height), place in zip(sizes, places, strict=True):
        assert 0 <= place.sheet < sheets
        assert min(place.left, place.top) >= 0
        assert place.left + width <= SHEET[0]
        assert place.top + height <= SHEET[1]
    for (first, a), (second, b) in combinations(zip(sizes, places, strict=True), 2):
        apart = (
            a.left + first[0] + GAP_PX <= b.left
            or b.left + second[0] + GAP_PX <= a.left
            or a.top + first[1] + GAP_PX <= b.top
            or b.top + second[1] + GAP_PX <= a.top
        )
        assert a.sheet != b.sheet or apart


@given(st.lists(SIZES, min_size=1, max_size=6))
def test_everything_fits_on_as_many_sheets_as_pictures(sizes: list[tuple[int, int]]) -> None:
    """A picture that is no larger than a sheet always finds one."""
    assert packed(sizes, SHEET, len(sizes)) is not None


def test_four_quarters_fill_one_sheet() -> None:
    """Up to the gap between them."""
    assert packed([(204, 204)] * 4, SHEET, 1) is not None
    assert packed([(205, 204)] * 4, SHEET, 1) is None


def test_one_sheet_too_few_is_told() -> None:
    """Nothing is shrunk or left out in silence."""
    assert packed([(300, 300), (300, 300)], SHEET, 1) is None
    places = packed([(300, 300), (300, 300)], SHEET, 2)
    assert places is not None
    assert {place.sheet for place in places} == {0, 1}

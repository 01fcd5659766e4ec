"""People who are small in a large frame, on real footage."""

import pytest

from benchmarks.detection import STREET, SmallPeople, compare, read_clip, sure_people
from winnow.detectors import open_detector

FRAMES = 60


@pytest.mark.parametrize("places", [((1200, 500),), ((60, 40), (1300, 600))])
def test_people_60_px_high_in_a_1080p_picture_are_found(places: tuple[tuple[int, int], ...]) -> None:
    """At least 85 % of those found at their own size, in two runs a frame; squeezed into one run hardly anybody is."""
    detector, clip = open_detector(), read_clip(STREET, FRAMES)
    scene = SmallPeople(size=(1920, 1080), person_px=60, places=places)
    sums = compare(scene, clip, sure_people(detector, clip), detector)
    recall = {name: counts["found"] / counts["people"] for name, counts in sums.items()}
    assert sums["windows"]["people"] > 100
    assert recall["windows"] >= 0.85
    assert recall["squeezed"] < 0.3
    assert sums["windows"]["runs"] / sums["windows"]["frames"] <= 2.1

"""What an image may show: masks, heads, people."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import Redaction
from winnow.pipeline.thumbnails.redaction import (
    HEAD_BLOCKS,
    MASK_GREY,
    RedactedImage,
    Redactor,
    Region,
    head_region,
    person_region,
)

Pixels = NDArray[np.uint8]

STANDING: PixelBox = (100.0, 60.0, 140.0, 180.0)
WHOLE: Region = (0, 0, 320, 240)


def noise() -> Pixels:
    """Return a frame in which every pixel differs from its neighbours."""
    return np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)


def crop(mode: Redaction, frame: Pixels, region: Region = WHOLE, people: tuple[PixelBox, ...] = (STANDING,)) -> Pixels:
    """Return what is left of a region."""
    image = Redactor(mode, ()).crop(frame, region, people)
    assert isinstance(image, RedactedImage)
    return image.bgr


def part(pixels: Pixels, region: Region) -> Pixels:
    """Return a region of an image."""
    x1, y1, x2, y2 = region
    return pixels[y1:y2, x1:x2]


def test_head_region_of_a_standing_person_is_the_top_quarter() -> None:
    """A head is within the top quarter of a whole person, sides and a little above included."""
    x1, y1, x2, y2 = head_region(STANDING)
    assert x1 < STANDING[0]
    assert x2 > STANDING[2]
    assert y1 < STANDING[1]
    assert 90 <= y2 < 100


def test_head_region_of_a_cut_off_person_reaches_further_down() -> None:
    """Where only head and shoulders show, the head is most of the box; it never reaches below it."""
    assert head_region((100.0, 60.0, 140.0, 100.0))[3] >= 88
    assert head_region((100.0, 60.0, 200.0, 100.0))[3] == 100


@pytest.mark.parametrize(
    ("mode", "region", "blocks"),
    [("heads", head_region(STANDING), 6 * 4), ("people", person_region(STANDING), 6 * 18)],
)
def test_hidden_region_holds_few_colours(mode: Redaction, region: Region, blocks: int) -> None:
    """Thousands of different pixels become some dozens of blocks; the rest is as it was."""
    frame = noise()
    redacted = crop(mode, frame)
    before, after = (np.unique(part(image, region).reshape(-1, 3), axis=0) for image in (frame, redacted))
    assert len(before) > 1000
    assert len(after) <= blocks
    outside = np.ones(frame.shape[:2], np.bool_)
    outside[region[1] : region[3], region[0] : region[2]] = False
    assert np.array_equal(frame[outside], redacted[outside])


def test_mode_none_changes_nothing() -> None:
    """Without redaction an image is the frame's own."""
    assert np.array_equal(crop("none", noise()), noise())


def test_mode_no_images_gives_no_image() -> None:
    """There is nothing to encode then."""
    redactor = Redactor("no-images", ())
    assert not redactor.gives_images
    assert redactor.crop(noise(), WHOLE, ()) is None


def test_region_outside_the_frame_gives_no_image() -> None:
    """No pixels, no image."""
    assert Redactor("none", ()).crop(noise(), (400, 0, 500, 100), ()) is None


def test_frame_is_left_as_it_was() -> None:
    """Others still read the frame; the image has pixels of its own and nobody can change them."""
    frame = noise()
    redacted = crop("people", frame)
    assert np.array_equal(frame, noise())
    assert not redacted.flags.writeable


def test_every_person_in_the_crop_is_redacted() -> None:
    """The crop is about one person, the others are no less private."""
    frame = noise()
    other: PixelBox = (200.0, 60.0, 240.0, 180.0)
    redacted = crop("heads", frame, people=(STANDING, other))
    for person in (STANDING, other):
        assert not np.array_equal(part(redacted, head_region(person)), part(frame, head_region(person)))


def test_head_at_the_edge_of_a_crop_is_as_coarse_as_a_whole_one() -> None:
    """A crop that shows a third of a head shows the blocks of the whole head, not smaller ones."""
    frame = noise()
    x1, y1, x2, y2 = head_region(STANDING)
    cut = (x1, y1, x1 + (x2 - x1) // 3, y2)
    rows = crop("heads", frame, cut)[:, 0]
    changes = np.any(rows[1:] != rows[:-1], axis=1).sum()
    assert changes <= HEAD_BLOCKS + 1


def test_masked_pixels_never_leave() -> None:
    """A mask is one grey, and nothing of what it hides is smeared into the blocks beside it."""
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[:, 120:200] = 255
    mask = ((120 / 320, 0.0), (200 / 320, 0.0), (200 / 320, 1.0), (120 / 320, 1.0))
    image = Redactor("heads", (mask,)).crop(frame, WHOLE, (STANDING,))
    assert image is not None
    assert image.bgr.max() == MASK_GREY


@given(
    corner=st.tuples(st.floats(-200, 400), st.floats(-200, 300)),
    size=st.tuples(st.floats(40, 500), st.floats(40, 500)),
    left=st.integers(-50, 330),
    top=st.integers(-50, 250),
    mode=st.sampled_from(["heads", "people"]),
)
def test_hidden_pixels_are_averages_wherever_people_and_crop_are(
    corner: tuple[float, float], size: tuple[float, float], left: int, top: int, mode: Redaction
) -> None:
    """People half outside, crops beyond the frame: blocks of at least ten pixels a side average noise to a mid grey."""
    person = (*corner, corner[0] + size[0], corner[1] + size[1])
    image = Redactor(mode, ()).crop(noise(), (left, top, left + 120, top + 90), (person,))
    if image is None:
        return
    hidden = head_region(person) if mode == "heads" else person_region(person)
    x, y = max(left, 0), max(top, 0)
    block = min(hidden[2] - hidden[0], hidden[3] - hidden[1]) // 6
    rows = slice(max(hidden[1] - y, 0), max(hidden[3] - y, 0))
    columns = slice(max(hidden[0] - x, 0), max(hidden[2] - x, 0))
    inside = image.bgr[rows, columns]
    if min(inside.shape[:2], default=0) < 2 * block:
        return
    neighbours_alike = np.all(inside[:, 1:] == inside[:, :-1], axis=2).mean()
    assert neighbours_alike > 1 - 2 / block


@given(
    st.sampled_from(["heads", "people", "none"]),
    st.tuples(st.integers(-20, 300), st.integers(-20, 220), st.integers(1, 120), st.integers(1, 120)),
)
def test_part_of_a_frame_shows_what_the_whole_frame_would(mode: Redaction, box: tuple[int, int, int, int]) -> None:
    """Pixel for pixel, with masks and people, and never more pixels than two by two are asked for."""
    x, y, width, height = box
    region, frame, asked = (x, y, x + width, y + height), noise(), []
    redactor = Redactor(mode, [((0.1, 0.1), (0.5, 0.15), (0.4, 0.6))])

    def bgr(wanted: Region) -> Pixels:
        asked.append(wanted)
        return part(frame, wanted)

    whole = redactor.crop(frame, region, (STANDING, (150.0, 90.0, 200.0, 230.0)))
    image = redactor.crop_part(bgr, region, (STANDING, (150.0, 90.0, 200.0, 230.0)), frame_size=(320, 240))
    if whole is None or image is None:
        assert whole is image
        return
    np.testing.assert_array_equal(image.bgr, whole.bgr)
    ((x1, y1, x2, y2),) = asked
    assert x1 % 2 == y1 % 2 == 0
    assert (x2 - x1) - image.bgr.shape[1] <= 2
    assert (y2 - y1) - image.bgr.shape[0] <= 2

"""Which picture of an object leaves, and when; and that it keeps the contract's limits."""

from fractions import Fraction
from functools import partial
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from winnow.events.jpeg import jpeg_size
from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import ThumbnailSettings
from winnow.pipeline.thumbnails import Album, Closed, Size, encode_jpeg
from winnow.pipeline.thumbnails.album import SMALL_BYTES
from winnow.pipeline.thumbnails.redaction import Redactor, Region, part_of

FRAME = (640, 480)
SMALL: PixelBox = (100, 100, 140, 200)
LARGE: PixelBox = (100, 100, 180, 300)


class Footage:
    """Frames of one colour each, and how often pixels were asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def colour(self, level: int) -> NDArray[np.uint8]:
        """Return a frame."""
        self.asked += 1
        return np.full((480, 640, 3), level, np.uint8)


def album(settings: ThumbnailSettings | None = None) -> Album:
    """Return an album of one object that started at 10 s."""
    opened = Album(settings or ThumbnailSettings(redaction="none", quality=90), frame_size=FRAME)
    opened.open(1, Fraction(10))
    return opened


def offer(to: Album, at_s: int, box: PixelBox, score: float, footage: Footage) -> None:
    """Offer a shot whose grey level is ten times its time."""

    def bgr(part: Region) -> NDArray[np.uint8]:
        return part_of(footage.colour(at_s * 10), part)

    to.offer(1, at_s=Fraction(at_s), box=box, score=score, bgr=bgr, people=())


def level(jpeg: bytes) -> int:
    """Return the grey level of a JPEG."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return round(float(pixels.mean()))


def test_best_shot_is_kept() -> None:
    """A better shot replaces the one kept, a worse one does not even cost pixels."""
    footage, kept = Footage(), album()
    offer(kept, 10, SMALL, 0.7, footage)
    offer(kept, 12, LARGE, 0.7, footage)
    offer(kept, 14, SMALL, 0.7, footage)
    closed = kept.close(1)
    shot = closed.shot
    assert shot is not None
    assert shot.at_s == 12
    assert closed.belongs_to == "object.ended"
    assert level(shot.jpeg) == 120
    assert footage.asked == 2


def test_early_picture_comes_once_a_second_after_the_start() -> None:
    """It is the best shot so far; the last picture comes all the same."""
    footage, kept = Footage(), album()
    offer(kept, 10, SMALL, 0.7, footage)
    assert kept.early(1, Fraction(109, 10)) is None
    early = kept.early(1, Fraction(11))
    assert early is not None
    assert early.at_s == 10
    assert kept.early(1, Fraction(12)) is None
    offer(kept, 13, LARGE, 0.7, footage)
    assert kept.close(1).shot is not None


def test_picture_that_was_sent_early_is_not_sent_again() -> None:
    """Where nothing better came, the end names the event that the picture went with."""
    footage, kept = Footage(), album()
    offer(kept, 10, SMALL, 0.7, footage)
    assert kept.early(1, Fraction(11)) is not None
    offer(kept, 13, SMALL, 0.7, footage)
    assert kept.close(1) == Closed(shot=None, belongs_to="object.started")


@pytest.mark.parametrize(("wider", "is_sent"), [(48, False), (62, True)])
def test_second_picture_shows_clearly_more(wider: int, *, is_sent: bool) -> None:
    """A shot a fifth larger than the early one is kept as the best and not sent as well; one larger by half is."""
    footage, kept = Footage(), album()
    offer(kept, 10, SMALL, 0.7, footage)
    assert kept.early(1, Fraction(11)) is not None
    offer(kept, 13, (100, 100, 100 + wider, 200), 0.7, footage)
    assert footage.asked == 2
    closed = kept.close(1)
    assert (closed.shot is not None) == is_sent
    assert closed.belongs_to == ("object.ended" if is_sent else "object.started")


def test_early_picture_waits_for_a_shot() -> None:
    """An object that was hidden when its picture was due gets it with its next shot."""
    footage, kept = Footage(), album()
    assert kept.early(1, Fraction(11)) is None
    offer(kept, 12, SMALL, 0.7, footage)
    assert kept.early(1, Fraction(12)) is not None


def test_early_picture_of_a_slow_camera_is_sent_with_the_start() -> None:
    """Where the next look is more than a second away, waiting for a better shot would take longer than two."""
    footage = Footage()
    for look_every_s, comes_at_once in ((Fraction(1), False), (Fraction(3, 2), True)):
        kept = Album(ThumbnailSettings(redaction="none"), frame_size=FRAME, look_every_s=look_every_s)
        kept.open(1, Fraction(10))
        offer(kept, 10, SMALL, 0.7, footage)
        assert (kept.early(1, Fraction(10)) is not None) == comes_at_once


class Held:
    """A restraint that a test sets.

    Attributes:
        early: whether early pictures may go.
        allowed: how large a picture may be.
    """

    def __init__(self, *, early: bool = True, allowed: Size = "full") -> None:
        self.early = early
        self.allowed = allowed

    def allows_early(self) -> bool:
        """Return what was set."""
        return self.early

    def size(self) -> Size:
        """Return what was set."""
        return self.allowed


def test_restraint_takes_the_early_picture_and_leaves_the_last() -> None:
    """An overloaded box sends one picture an object."""
    footage, restraint = Footage(), Held(early=False)
    kept = Album(ThumbnailSettings(redaction="none"), frame_size=FRAME, restraint=restraint)
    kept.open(1, Fraction(10))
    offer(kept, 10, SMALL, 0.7, footage)
    assert kept.early(1, Fraction(11)) is None
    assert kept.early(1, Fraction(12)) is None
    assert kept.close(1).belongs_to == "object.ended"


def test_restraint_shrinks_pictures_and_then_stops_them() -> None:
    """A link that is nearly used up gets a kilobyte at most, one that is used up no picture."""
    noise = np.random.default_rng(2).integers(0, 256, (480, 640, 3), np.uint8)
    sizes: dict[Size, int] = {}
    for allowed in get_args(Size):
        kept = Album(ThumbnailSettings(redaction="none"), frame_size=FRAME, restraint=Held(allowed=allowed))
        kept.offer(1, at_s=Fraction(0), box=LARGE, score=0.7, bgr=partial(part_of, noise), people=())
        closed = kept.close(1)
        sizes[allowed] = len(closed.shot.jpeg) if closed.shot else 0
        assert (closed.belongs_to is None) == (allowed == "none")
    assert sizes["full"] > 4 * sizes["small"] > sizes["none"] == 0
    assert sizes["small"] <= SMALL_BYTES


def test_closed_objects_leave_nothing_behind() -> None:
    """What ended is forgotten, pixels first of all."""
    footage, kept = Footage(), album()
    offer(kept, 10, SMALL, 0.7, footage)
    kept.close(1)
    assert kept.close(1) == Closed(shot=None, belongs_to=None)
    assert kept.early(1, Fraction(60)) is None


def test_no_images_never_asks_for_pixels() -> None:
    """Where no image may leave, none is made."""
    footage, kept = Footage(), album(ThumbnailSettings(redaction="no-images"))
    offer(kept, 10, SMALL, 0.7, footage)
    assert (kept.early(1, Fraction(20)), kept.close(1), footage.asked) == (None, Closed(shot=None, belongs_to=None), 0)


@pytest.mark.parametrize("max_bytes", [1024, 2048, 8 * 1024])
@pytest.mark.parametrize("max_side_px", [32, 320])
def test_jpeg_keeps_both_limits(max_bytes: int, max_side_px: int) -> None:
    """Noise is the hardest thing to encode: quality gives way first, then size."""
    noise = np.random.default_rng(2).integers(0, 256, (600, 400, 3), np.uint8)
    image = Redactor("none", ()).crop(noise, (0, 0, 400, 600), ())
    assert image is not None
    jpeg = encode_jpeg(image, max_side_px=max_side_px, max_bytes=max_bytes, quality=85)
    assert len(jpeg) <= max_bytes
    assert max(jpeg_size(jpeg)) <= max_side_px


def test_small_picture_is_not_enlarged() -> None:
    """Pixels that the camera did not deliver cost bytes and say nothing."""
    image = Redactor("none", ()).crop(np.zeros((480, 640, 3), np.uint8), (10, 10, 50, 90), ())
    assert image is not None
    assert jpeg_size(encode_jpeg(image, max_side_px=320, max_bytes=8192, quality=50)) == (40, 80)


def test_limit_below_any_jpeg_is_an_error() -> None:
    """Nobody waits forever for a JPEG of ten bytes."""
    image = Redactor("none", ()).crop(np.zeros((48, 64, 3), np.uint8), (0, 0, 64, 48), ())
    assert image is not None
    with pytest.raises(ValueError, match="max_bytes"):
        encode_jpeg(image, max_side_px=320, max_bytes=10, quality=50)

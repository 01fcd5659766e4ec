"""The best shot of each open object."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

from winnow.pipeline.objects.tracked import PixelBox
from winnow.pipeline.settings import ThumbnailSettings
from winnow.pipeline.thumbnails.best_shot import (
    Framing,
    compared,
    framing_of,
    is_sharper,
    is_worth_another,
    sharpness_of,
)
from winnow.pipeline.thumbnails.encode import encode_jpeg
from winnow.pipeline.thumbnails.redaction import PartBgr, RedactedImage, Redactor, Region
from winnow.pipeline.thumbnails.restraint import NoRestraint, Restraint

EARLY_AFTER_S: Final = Fraction(1)
"""How long after its start the early picture of an object is sent: time for a better shot than the very first, and for
the next look of a camera that is looked at once a second, before two seconds are over."""

SMALL_SIDE_PX: Final = 96
SMALL_BYTES: Final = 1024
SMALL_QUALITY: Final = 35
"""A picture on a link that is nearly used up: enough to tell a dog from a child."""

Belongs = Literal["object.started", "object.ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A picture that may leave the box; `at_s` is the stream time at which it was taken."""

    at_s: Fraction
    jpeg: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What is left to show of an object that ended.

    Attributes:
        shot: its best picture; None if that one or one about as good was sent already, or there is none.
        belongs_to: the event with which the last picture of the object was sent, None if none ever was.
    """

    shot: Shot | None
    belongs_to: Belongs | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    at_s: Fraction
    framing: Framing
    sharpness: float
    image: RedactedImage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    at_s: Fraction
    framing: Framing
    sharpness: float


class Album:
    """Keeps one redacted shot an object; a frame's own pixels are never kept.

    Args:
        settings: the camera's.
        frame_size: width and height in pixels of the frames.
        look_every_s: time between two looks at the scene. Where the next one would come too late for an early picture,
            the first shot is sent at once.
        restraint: may hold pictures back.
    """

    def __init__(
        self,
        settings: ThumbnailSettings,
        *,
        frame_size: tuple[int, int],
        look_every_s: Fraction = Fraction(0),
        restraint: Restraint | None = None,
    ) -> None:
        self._settings = settings
        self._frame_size = frame_size
        self._redactor = Redactor(settings.redaction, settings.masks)
        self._early_after_s = EARLY_AFTER_S if look_every_s <= EARLY_AFTER_S else Fraction(0)
        self._restraint: Restraint = restraint or NoRestraint()
        self._kept: dict[int, _Kept] = {}
        self._early_due_s: dict[int, Fraction] = {}
        self._sent: dict[int, _Sent] = {}

    def change(self, settings: ThumbnailSettings) -> None:
        """Keep to other settings from now on; shots that were redacted in another way are never shown."""
        if (settings.redaction, settings.masks) != (self._settings.redaction, self._settings.masks):
            self._redactor = Redactor(settings.redaction, settings.masks)
            self._kept.clear()
        if not self._redactor.gives_images:
            self._early_due_s.clear()
        self._settings = settings

    def open(self, track: int, at_s: Fraction) -> None:
        """Begin to look for shots of an object that started at `at_s`."""
        if self._redactor.gives_images:
            self._early_due_s[track] = at_s + self._early_after_s

    def offer(  # noqa: PLR0913 - what a shot is made of
        self,
        track: int,
        *,
        at_s: Fraction,
        box: PixelBox,
        score: float,
        bgr: PartBgr,
        people: Sequence[PixelBox],
    ) -> None:
        """Keep this shot of the object if it is better than the one kept.

        Args:
            track: the object's number.
            at_s: stream time of the frame.
            box: the object, pixels.
            score: of its detection.
            bgr: gives the pixels of a part of the frame; asked only if the shot may be better.
            people: boxes of every person in the frame, however unsure.
        """
        if not self._redactor.gives_images:
            return
        kept = self._kept.get(track)
        framing = framing_of(box, score, self._frame_size)
        verdict = 1 if kept is None else compared(framing, kept.framing)
        if verdict < 0:
            return
        region = _with_margin(box, self._settings.margin)
        image = self._redactor.crop_part(bgr, region, people, frame_size=self._frame_size)
        if image is None:
            return
        sharpness = sharpness_of(image.bgr)
        if kept is not None:
            if verdict == 0 and not is_sharper(sharpness, kept.sharpness):
                return
            framing = framing.after(kept.framing)
        self._kept[track] = _Kept(at_s=at_s, framing=framing, sharpness=sharpness, image=image)

    def early(self, track: int, at_s: Fraction) -> Shot | None:
        """Return the early picture of the object if it is due; once, and not before there is a shot of it."""
        due_s = self._early_due_s.get(track)
        kept = self._kept.get(track)
        if due_s is None or at_s < due_s or kept is None:
            return None
        del self._early_due_s[track]
        shot = self._developed(kept) if self._restraint.allows_early() else None
        if shot is not None:
            self._sent[track] = _Sent(at_s=kept.at_s, framing=kept.framing, sharpness=kept.sharpness)
        return shot

    def close(self, track: int) -> Closed:
        """Return the best picture of an object that ended, unless the early one is as good; keep nothing of it."""
        self._early_due_s.pop(track, None)
        kept, sent = self._kept.pop(track, None), self._sent.pop(track, None)
        sent_before: Belongs | None = None if sent is None else "object.started"
        if kept is None or (sent is not None and not _is_worth_another(kept, sent)):
            return Closed(shot=None, belongs_to=sent_before)
        shot = self._developed(kept)
        return Closed(shot=shot, belongs_to=sent_before if shot is None else "object.ended")

    def _developed(self, kept: _Kept) -> Shot | None:
        settings, size = self._settings, self._restraint.size()
        if size == "none":
            return None
        is_small = size == "small"
        jpeg = encode_jpeg(
            kept.image,
            max_side_px=min(settings.max_side_px, SMALL_SIDE_PX) if is_small else settings.max_side_px,
            max_bytes=min(settings.max_bytes, SMALL_BYTES) if is_small else settings.max_bytes,
            quality=min(settings.quality, SMALL_QUALITY) if is_small else settings.quality,
        )
        return Shot(at_s=kept.at_s, jpeg=jpeg)


def _is_worth_another(kept: _Kept, sent: _Sent) -> bool:
    is_new = kept.at_s != sent.at_s
    return is_new and is_worth_another(kept.framing, kept.sharpness, sent.framing, sent.sharpness)


def _with_margin(box: PixelBox, margin: float) -> Region:
    x1, y1, x2, y2 = box
    side, above = margin * (x2 - x1), margin * (y2 - y1)
    return math.floor(x1 - side), math.floor(y1 - above), math.ceil(x2 + side), math.ceil(y2 + above)

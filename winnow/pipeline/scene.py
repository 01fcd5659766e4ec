"""One camera's decisions: detections in, happenings and redacted pictures out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from winnow.detectors import Detections
from winnow.events import EventData
from winnow.events.data import Clock, ModelRef
from winnow.pipeline.settings import CameraSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened in the scene.

    Attributes:
        at_s: stream time; never less than that of the happening before.
        subject: `{label}/{track}`.
        revision: how many happenings of the same kind about the same subject came before.
        data: what happened.
    """

    at_s: Fraction
    subject: str
    revision: int
    data: EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The best picture of an object so far, redacted.

    Attributes:
        at_s: stream time at which it was taken.
        subject: `{label}/{track}`.
        belongs_to: kind of the happening (revision 0) about the same subject that it illustrates.
        jpeg: the image.
    """

    at_s: Fraction
    subject: str
    belongs_to: Literal["object.started", "object.ended"]
    jpeg: bytes


class Scene:
    """What is known of one camera's scene within one stream epoch. A jump in time or a new frame size needs a new one.

    A camera's loop asks `needs_detection` for every sampled frame in which nothing moves, then calls `observe` with
    what the detector found or `coast` where it was not asked; times never decrease.
    """

    def __init__(
        self,
        settings: CameraSettings,
        *,
        labels: Sequence[str],
        model: ModelRef,
        frame_size: tuple[int, int],
        clock: Clock,
        moment: Callable[[Fraction], datetime],
    ) -> None:
        """Start without objects.

        Args:
            settings: the camera's.
            labels: the model's, by class id.
            model: named in every event.
            frame_size: width and height in pixels of the frames that the boxes of the detections refer to.
            clock: what stream time rests on.
            moment: stream time → aware UTC wall time.
        """

    def needs_detection(self, at_s: Fraction) -> bool:
        """Return whether the detector must look at this frame although nothing moves in it."""
        raise NotImplementedError

    def observe(
        self, at_s: Fraction, detections: Detections, bgr: Callable[[], NDArray[np.uint8]]
    ) -> list[Happening | Picture]:
        """Return what happened up to a frame that the detector looked at.

        Args:
            at_s: stream time of the frame.
            detections: all that the detector found in it, weak ones and labels that nobody asked for included.
            bgr: returns the frame's pixels, uint8 (height, width, 3); called at most once, and only if they are needed.
        """
        raise NotImplementedError

    def coast(self, at_s: Fraction) -> list[Happening | Picture]:
        """Return what happened up to a frame that the detector did not look at because nothing moved in it."""
        raise NotImplementedError

    def finish(self, at_s: Fraction, reason: Literal["stream", "stopped"]) -> list[Happening | Picture]:
        """Return what happened up to the end; every open object has ended."""
        raise NotImplementedError

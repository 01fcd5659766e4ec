"""The ladder beside a camera's loop: told of each frame, asked before each."""

import logging
from typing import Protocol

from winnow.pipeline.overload.ladder import RUNGS, Ladder, Rung

logger = logging.getLogger(__name__)


class Relief(Protocol):
    """What a camera asks before it looks at a frame."""

    @property
    def rung(self) -> Rung:
        """Return how to look now."""

    @property
    def number(self) -> int:
        """Return the number of the rung; 0 if everything is as set."""

    def takes(self) -> bool:
        """Return whether the next sampled frame is looked at; ask once for each."""

    def note(self, age_s: float, now_s: float) -> None:
        """Take in how old a frame was when its events were accepted."""

    def steps_up(self) -> dict[int, int]:
        """Return how often each rung was stepped onto from the one before."""


class NoRelief:
    """Looks at every frame as set: for recordings, which wait."""

    number = 0

    @property
    def rung(self) -> Rung:
        """Return the first rung."""
        return RUNGS[0]

    def takes(self) -> bool:
        """Return True."""
        return True

    def note(self, age_s: float, now_s: float) -> None:
        """Change nothing."""

    def steps_up(self) -> dict[int, int]:
        """Return nothing."""
        return {}


class LadderRelief:
    """A live camera's ladder; the camera's loop alone calls `takes` and `note`.

    Args:
        camera: named in the log.
        analysed_fps: as set.
    """

    def __init__(self, camera: str, analysed_fps: float) -> None:
        self._camera = camera
        self._ladder = Ladder(1 / analysed_fps)
        self._passed = 0

    @property
    def rung(self) -> Rung:
        """See `Relief.rung`."""
        return self._ladder.rung

    @property
    def number(self) -> int:
        """See `Relief.number`."""
        return self._ladder.number

    def takes(self) -> bool:
        """See `Relief.takes`."""
        self._passed = (self._passed + 1) % self.rung.every
        return self._passed == 0

    def note(self, age_s: float, now_s: float) -> None:
        """See `Relief.note`; a change is logged."""
        before = self._ladder.number
        if not self._ladder.note(age_s, now_s):
            return
        facts = {"camera": self._camera, "step": self._ladder.number, "last_age_ms": round(age_s * 1000)}
        if self._ladder.number > before:
            logger.warning("Camera steps back: frames get too old", extra=facts)
        else:
            logger.info("Camera steps forward again", extra=facts)

    def steps_up(self) -> dict[int, int]:
        """See `Relief.steps_up`."""
        return dict(enumerate(self._ladder.steps_up))

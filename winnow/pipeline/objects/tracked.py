"""One object while it is known."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Final

from winnow.pipeline.objects.path import Path, PathPoint
from winnow.pipeline.rules import Sighting

PixelBox = tuple[float, float, float, float]
"""x1, y1, x2, y2 within the frame."""

RECENT_S: Final = 3
"""How much of its way an object shows the rules when it starts, so that a line just behind it is not missed."""


class State(Enum):
    """How far an object's life has come."""

    CANDIDATE = "candidate"
    MOVING = "moving"
    STILL = "still"
    ENDED = "ended"


@dataclass(slots=True, kw_only=True, eq=False)
class TrackedObject:
    """What is known of one object; `Objects` owns and changes it.

    Attributes:
        label: of the class it was best seen as; fixed once it started.
        number: 1, 2, 3 … in the order in which objects started; 0 before.
        first_seen_s: its first detection.
        last_seen_s: when it was last detected, or followed by optical flow.
        box: last estimate, clipped to the frame, pixels.
        frame_size: width and height in pixels.
        score: of the last detection.
        top_score: best detection score so far.
        is_seen: whether it was detected in the current frame.
        is_present: whether it was, or is held to be where it was because nothing moved in the frame.
        path: where it was.
        unruled: sightings that no rule has seen yet.
        zones: every zone it was in, in the order of its first visits.
    """

    label: str
    first_seen_s: Fraction
    last_seen_s: Fraction
    box: PixelBox
    frame_size: tuple[int, int]
    score: float
    top_score: float
    state: State = State.CANDIDATE
    number: int = 0
    is_seen: bool = True
    is_present: bool = True
    path: Path = field(default_factory=Path)
    unruled: deque[Sighting] = field(default_factory=deque)
    zones: list[str] = field(default_factory=list)
    zones_now: tuple[str, ...] = ()
    reported_s: Fraction = Fraction(0)
    reported_moving: bool = True
    reported_zones: tuple[str, ...] = ()

    @property
    def has_started(self) -> bool:
        """Whether anyone was told about it."""
        return self.number > 0

    @property
    def subject(self) -> str:
        """The name under which events speak of it."""
        return f"{self.label}/{self.number}"

    @property
    def anchor(self) -> tuple[float, float]:
        """Bottom centre of the box, pixels."""
        x1, _, x2, y2 = self.box
        return (x1 + x2) / 2, y2

    def note_sighting(self, at_s: Fraction, box: PixelBox, score: float) -> None:
        """Take in where it is: detected there, or followed."""
        self.last_seen_s, self.box, self.score = at_s, box, score
        self.top_score = max(self.top_score, score)
        x, y = self.anchor
        self.path.add(PathPoint(at_s=at_s, x=x / self.frame_size[0], y=y / self.frame_size[1]))
        self.unruled.append(Sighting(at_s=at_s, box=box, score=score))
        while at_s - self.unruled[0].at_s > RECENT_S:
            self.unruled.popleft()

    def take_unruled(self) -> list[Sighting]:
        """Return the sightings that no rule has seen, oldest first; they have been seen then."""
        sightings = list(self.unruled)
        self.unruled.clear()
        return sightings

    def note_visit(self, zone: str) -> None:
        """Take in that it came into a zone."""
        if zone not in self.zones:
            self.zones.append(zone)

    def note_zones(self, zones: tuple[str, ...]) -> None:
        """Take in the zones it is in now."""
        self.zones_now = zones
        for zone in zones:
            self.note_visit(zone)

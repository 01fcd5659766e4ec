"""What is given up before the spool is full, so that room is left for what matters when the link stays away.

Theory. Each step has a share of the limit at which it begins and frees what waits down to a little below that share, as
far as it has anything to free. A step that has little would otherwise act at every append, and each time rewrite the
waiting tombstones; so after a look, the next one comes when another hundredth of the limit has been filled.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from winnow.events import Event, Thumbnail
from winnow.pipeline.delivery.giving_up import NO_SPACE, SLACK, Candidate, choose
from winnow.pipeline.delivery.message import Message

LOOK_EVERY: Final = 0.01
"""Share of the limit that fills up between two looks."""


class Step(Enum):
    """What goes, in the order in which space runs out; the value is its share of the limit and its reason in counters.

    The one picture that an object keeps is its newest: a later picture of an object is a better one.
    """

    PICTURES_OF_UPDATES = (0.80, "space_80")
    UPDATES = (0.90, "space_90")
    SPARE_PICTURES = (0.95, "space_95")

    @property
    def share(self) -> float:
        """Of the limit; from here on the step acts."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """How counters name it."""
        return self.value[1]


REASONS: Final = (*(step.reason for step in Step), NO_SPACE)
"""All that space can be a reason for."""

Victims = dict[str, list[Candidate]]
"""What goes, by the reason that counters give."""


@dataclass(slots=True)
class Looks:
    """When to look for something to give up early."""

    _again_at_bytes: float = 0.0

    def is_due(self, size_bytes: int, limit: int) -> bool:
        """Return whether it is time for a look now that so much waits."""
        self._again_at_bytes = min(self._again_at_bytes, size_bytes + LOOK_EVERY * limit)
        return size_bytes >= max(self._again_at_bytes, Step.PICTURES_OF_UPDATES.share * limit)

    def looked(self, size_bytes: int, limit: int) -> None:
        """Remember that so much still waits after a look."""
        self._again_at_bytes = size_bytes + LOOK_EVERY * limit


def victims(
    size_bytes: int,
    limit: int,
    *,
    of_step: Callable[[Step], Iterable[Candidate]] | None,
    by_worth: Callable[[], Iterable[Candidate]],
) -> Victims:
    """Return what goes so that `size_bytes` becomes less than `limit` and than what the steps allow.

    Args:
        size_bytes: what waits.
        limit: what may wait.
        of_step: what a step may take, oldest first; None if it is no time for a look.
        by_worth: everything that may go, least valuable first.
    """
    found: Victims = {}
    gone: set[int] = set()
    left_bytes = size_bytes

    def take(reason: str, candidates: Iterable[Candidate], needed_bytes: float) -> None:
        nonlocal left_bytes
        chosen = choose((one for one in candidates if one.sequence not in gone), needed_bytes=needed_bytes)
        if chosen:
            found[reason] = chosen
            gone.update(one.sequence for one in chosen)
            left_bytes -= sum(one.size_bytes for one in chosen)

    for step in Step if of_step else ():
        if of_step and size_bytes >= step.share * limit:
            take(step.reason, of_step(step), left_bytes - (step.share - SLACK) * limit)
    if left_bytes > limit:
        take(NO_SPACE, by_worth(), left_bytes - limit + SLACK * limit)
    return found


def pictures_of_updates(messages: Iterable[Message]) -> set[str]:
    """Return the ids of those thumbnails of one batch whose event, in the same batch, is a plain update."""
    batch = list(messages)
    updates = {one.id for one in batch if isinstance(one, Event) and one.kind == "object.updated"}
    return {one.id for one in batch if isinstance(one, Thumbnail) and one.event_id in updates}

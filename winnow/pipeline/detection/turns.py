"""Who is next, where several cameras want the same few detectors: the one whose last turn is longest ago.

While a camera waits, each other camera is served once at most, because after that its own turn is the later one. So
nobody starves, cameras that ask all the time share evenly whatever each wants, one that asks seldom is next, and nobody
saves turns up by not asking.
"""

from dataclasses import dataclass
from typing import Final

REMEMBERED: Final = 1024
"""Cameras whose last turn is known. One that is forgotten counts as never served; its turn was the oldest anyhow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One camera's wish to be served; `order` is how many wishes there were before it."""

    name: str
    order: int


class Turns:
    """The wishes that wait."""

    def __init__(self) -> None:
        self._waiting: list[Wish] = []
        self._served: dict[str, int] = {}
        self._asked = 0
        self._turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def ask(self, name: str) -> Wish:
        """Return a new wish, which waits."""
        wish = Wish(name=name, order=self._asked)
        self._asked += 1
        self._waiting.append(wish)
        return wish

    def take(self) -> Wish:
        """Return the wish that is served next and waits no longer; there must be one.

        Of two cameras that were never served, the first to ask is first.
        """
        wish = min(self._waiting, key=lambda wish: (self._served.get(wish.name, -1), wish.order))
        self._waiting.remove(wish)
        self._served.pop(wish.name, None)
        self._served[wish.name] = self._turns  # the last of the dictionary, whose first is the oldest
        self._turns += 1
        if len(self._served) > REMEMBERED:
            del self._served[next(iter(self._served))]
        return wish

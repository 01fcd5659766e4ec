"""Topics that the broker knows by a number: pure, one connection long.

Theory. A PUBLISH that carries a topic and a number teaches the broker the number; every later one carries the number
alone. The broker says in CONNACK how many it keeps, and forgets them with the connection. Batches, which are nearly
everything that a node sends, have the first number; the other topics get what is left, in order of their first use.
Source: MQTT 5.0, section 3.3.2.3.4.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alias:
    """A topic's number, and whether the broker has been told it before."""

    number: int
    is_known: bool


class TopicAliases:
    """The numbers of one connection.

    Args:
        maximum: the highest number that the broker takes; 0 for none.
        first: the topic that has the first number.
    """

    def __init__(self, maximum: int, *, first: str) -> None:
        self._maximum = maximum
        self._numbers = {first: 1} if maximum else {}
        self._known: set[int] = set()

    def take(self, topic: str) -> Alias | None:
        """Return the number for a PUBLISH that goes out now; None if it goes without."""
        number = self._numbers.get(topic)
        if number is None:
            if len(self._numbers) >= self._maximum:
                return None
            number = self._numbers[topic] = len(self._numbers) + 1
        is_known = number in self._known
        self._known.add(number)
        return Alias(number, is_known)

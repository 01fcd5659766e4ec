"""What rules know of objects, by track."""

from collections.abc import MutableMapping
from typing import TypeVar

Value = TypeVar("Value")


def swap_values(values: MutableMapping[int, Value], one: int, other: int) -> None:
    """What stood under one key stands under the other, if anything did."""
    first, second = values.pop(one, None), values.pop(other, None)
    if first is not None:
        values[other] = first
    if second is not None:
        values[one] = second

"""What the owner tells a decoder's process while it runs: a slot is free, another rate or keyframes only are wanted."""

import struct
from dataclasses import dataclass
from typing import Final

_RELEASE: Final = struct.Struct("=BB")
_SAMPLE: Final = struct.Struct("=d")
_REST: Final = struct.Struct("=?")
"""Told apart by their length."""


@dataclass(frozen=True, slots=True)
class Release:
    """The picture in this slot was read.

    Attributes:
        memory: number of the memory, modulo 256; there is new memory after a change of size.
        slot: of that memory.
    """

    memory: int
    slot: int

    def encode(self) -> bytes:
        """Return the answer as it is sent."""
        return _RELEASE.pack(self.memory, self.slot)


@dataclass(frozen=True, slots=True)
class Sample:
    """So many pictures a second of stream time are wanted from now on; all if None."""

    rate: float | None

    def encode(self) -> bytes:
        """Return the answer as it is sent."""
        return _SAMPLE.pack(self.rate or 0.0)


@dataclass(frozen=True, slots=True)
class Rest:
    """Whether keyframes are enough from now on, see `resting`."""

    is_wanted: bool

    def encode(self) -> bytes:
        """Return the answer as it is sent."""
        return _REST.pack(self.is_wanted)


def decode_answer(sent: bytes) -> Release | Sample | Rest:
    """Return the answer that was sent; the sender is our own code."""
    if len(sent) == _REST.size:
        return Rest(*_REST.unpack(sent))
    if len(sent) == _SAMPLE.size:
        (rate,) = _SAMPLE.unpack(sent)
        return Sample(rate or None)
    return Release(*_RELEASE.unpack(sent))

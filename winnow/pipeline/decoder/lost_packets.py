"""What RTP packets that never arrived make of the pictures after them.

A decoder that misses a whole picture, or a slice's end, shows something all the same and marks nothing: it builds the
next pictures on the wrong one. The numbers of the RTP packets tell for certain. FFmpeg looks at them, and says only in
its log what it found.

Theory. FFmpeg logs a gap while it reads on to give out packet k: a picture's packet is complete when the next one
begins. So what is missing belongs to k or to k + 1, or to pictures between the two. A keyframe is whole again from
k + 2 on, and with it all that follow. While a connection is opened FFmpeg reads ahead; a gap in that time may lie
anywhere in as many seconds of the stream, or in the packet after them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import av.logging

if TYPE_CHECKING:
    from fractions import Fraction

    from winnow.pipeline.decoder.resting import CodedPicture

_MISSED: Final = re.compile(r"RTP: missed (-?\d+) packets")
"""What `libavformat/rtpdec.c` logs, as a warning. Nothing else tells: its packets bear no mark."""

_PARTLY_READ: Final = 1
"""Packets that may have begun when a gap was found, beside the one that was given out."""


class Gaps(Protocol):
    """Tells how many packets of the network never arrived."""

    def take(self) -> int:
        """Return how many were missed since the last call."""


class NoGaps:
    """A stream that loses nothing on its way, or whose container marks it."""

    def take(self) -> int:
        """Return 0."""
        return 0


class LoggedGaps:
    """What FFmpeg logs of RTP in this thread.

    Args:
        logged: level, name and text of each message; emptied by `take`.
    """

    def __init__(self, logged: list[tuple[int, str, str]]) -> None:
        self._logged = logged

    def take(self) -> int:
        """Return how many packets were missed since the last call."""
        messages, self._logged[:] = list(self._logged), []
        found = (_MISSED.search(text) for _, _, text in messages)
        return sum(max(1, int(one[1])) for one in found if one)


@contextmanager
def logged_gaps() -> Iterator[Gaps]:
    """Listen to FFmpeg's log while the block runs; it is the whole process's, so only a decoder's own may do so."""
    level, skips = av.logging.get_level(), av.logging.get_skip_repeated()
    av.logging.set_level(av.logging.WARNING)
    av.logging.set_skip_repeated(False)  # two gaps of the same size are two
    try:
        with av.logging.Capture() as logged:
            yield LoggedGaps(logged)
    finally:
        av.logging.set_skip_repeated(skips)
        av.logging.set_level(level)


class Doubt:
    """Which packets may be built on something that never arrived.

    Args:
        gaps: what was missed while the connection was opened is taken at once.
        opening_s: how long that took.

    Attributes:
        missed: packets of the network that never arrived, so far.
    """

    def __init__(self, gaps: Gaps, opening_s: float = 0.0) -> None:
        self._gaps = gaps
        self.missed = gaps.take()
        self._is_on = self.missed > 0
        self._opening_s = opening_s if self._is_on else None
        self._first_s: Fraction | None = None
        self._number = 0
        self._through = _PARTLY_READ if self._is_on else 0

    def falls_on(self, packet: "CodedPicture") -> bool:
        """Return whether this packet, the next in order of decoding, cannot be trusted; ask once for each."""
        self._number += 1
        missed = self._gaps.take()
        self.missed += missed
        if self._was_read_ahead(packet) or missed:
            self._is_on = True
            self._through = self._number + _PARTLY_READ
        elif packet.is_keyframe and self._number > self._through:
            self._is_on = False
        return self._is_on

    def _was_read_ahead(self, packet: "CodedPicture") -> bool:
        """Return whether a gap from the time of opening may lie in this packet."""
        if self._opening_s is None:
            return False
        at_s = None if packet.pts is None else packet.pts * packet.time_base
        if at_s is not None and self._first_s is None:
            self._first_s = at_s
        if at_s is not None and self._first_s is not None and at_s - self._first_s > self._opening_s:
            self._opening_s = None
        return self._opening_s is not None

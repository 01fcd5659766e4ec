"""A camera's own wall clock, as its RTCP sender reports tell it.

FFmpeg combines each packet's RTP time with the last sender report and attaches the wall time to the packet. Two flaws
of that are mended here. The packet during which a report arrives may be given the time of its neighbour: only what two
packets running agree on is believed. And where the 32-bit RTP time wraps between the report and the packet, the wall
time is wrong by a whole turn of the counter: it is set right by what was known before.

Source: RFC 3550, section 6.4.1 (sender reports) and 5.1 (the RTP time stamp starts anywhere and wraps).
"""

from fractions import Fraction
from typing import Final

AGREE_WITHIN_US: Final = 5_000
"""Two packets whose clocks differ by no more mean the same; a report's own jitter is well below a millisecond."""

RTP_TURN_US: Final = 2**32 * 1_000_000 // 90_000
"""How long the RTP time of video, 90 000 ticks a second, takes to wrap: 13 hours. Source: RFC 3551, section 5."""

MAX_WALL_US: Final = 2**53
"""The year 2255; later is no time but damage."""


class SenderClock:
    """What has to be added to a stream's PTS to get the camera's wall time."""

    def __init__(self) -> None:
        self._offset_us: int | None = None
        self._heard_us: int | None = None

    def note(self, pts_s: Fraction, wall_us: int) -> None:
        """Learn that the picture at `pts_s` was taken at `wall_us` microseconds since 1970."""
        if not 0 < wall_us < MAX_WALL_US:
            return
        offset_us = self._without_turn(wall_us - round(pts_s * 1_000_000))
        if self._heard_us is not None and abs(offset_us - self._heard_us) <= AGREE_WITHIN_US:
            self._offset_us = offset_us
        self._heard_us = offset_us

    def wall_us(self, pts_s: Fraction) -> int | None:
        """Return when the picture at `pts_s` was taken, in microseconds since 1970; None if the camera never said."""
        return None if self._offset_us is None else self._offset_us + round(pts_s * 1_000_000)

    def _without_turn(self, offset_us: int) -> int:
        if self._offset_us is None:
            return offset_us
        for turn_us in (RTP_TURN_US, -RTP_TURN_US):
            if abs(offset_us + turn_us - self._offset_us) <= AGREE_WITHIN_US:
                return offset_us + turn_us
        return offset_us

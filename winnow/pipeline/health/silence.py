"""Whether a connected camera says anything, told by the reader's own clock: without frames there is no other."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A connected camera has given no picture for too long.

    Attributes:
        reason: `stalled` without a packet, `corrupt` where packets come and no picture can be made of them.
        lasts_s: how long ago the last picture came.
    """

    reason: Literal["stalled", "corrupt"]
    lasts_s: float


class SilenceJudge:
    """Packets and pictures of one live camera.

    Args:
        after_s: how long without either is too long.
    """

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._picture_mono_s: float | None = None
        self._packet_mono_s = 0.0
        self._bytes_read: int | None = None

    def forget(self) -> None:
        """Wait for a first picture: the connection is lost."""
        self._picture_mono_s = None

    def note_picture(self, mono_s: float) -> None:
        """Take in that a picture came."""
        self._picture_mono_s = self._packet_mono_s = mono_s
        self._bytes_read = None  # those of the picture itself are not known before the next look

    def judge(self, mono_s: float, bytes_read: int) -> Silence | None:
        """Return whether it is silent, given the bytes that came so far; None before the first picture."""
        if self._bytes_read not in {None, bytes_read}:
            self._packet_mono_s = mono_s
        self._bytes_read = bytes_read
        if self._picture_mono_s is None or mono_s - self._picture_mono_s < self._after_s:
            return None
        is_stalled = mono_s - self._packet_mono_s >= self._after_s
        return Silence(reason="stalled" if is_stalled else "corrupt", lasts_s=mono_s - self._picture_mono_s)

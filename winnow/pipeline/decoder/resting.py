"""Which packets of a camera are decoded at once, and which only if it turns out that they matter.

While nothing moves for a long time, decoding every picture is most of what a camera costs. Such a camera *rests*: its
keyframes are decoded, which is enough to see that nothing has changed; the packets between them are kept undecoded. The
camera wakes when its owner says so (something moved between two keyframes) or when the packets themselves tell:
pictures in which something moves take more bytes. The kept packets are then decoded first, so what woke the camera is
seen from its first picture on.

    awake ── rest is wanted, at a keyframe ──▶ resting ── not wanted any more, large packets, an odd one ──▶ awake

A stream rests only if its keyframes can be decoded alone, in order, and often enough: every one that was decoded so far
is a true intra picture, decoding order is the order of presentation, and they are at most `MAX_INTERVAL_S` apart. The
first packet of an RTSP stream has no time stamps, which says nothing against the ones to come. On a stream of constant
bitrate sizes tell nothing; there, what comes and goes between two keyframes is not seen.
"""

from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from statistics import median
from typing import Final, Generic, Protocol, TypeVar

MAX_INTERVAL_S: Final = Fraction(5, 2)
"""Between two keyframes of a stream that may rest: who walks through the picture takes longer, and none is missed."""

LIVELY_FACTOR: Final = 1.6
LIVELY_BYTES: Final = 400
"""A packet is lively if it is larger than the usual one by this factor and this many bytes."""

LIVELY_OF_LAST: Final = (2, 3)
"""Two lively packets of three wake the camera: a single one may be the encoder's whim."""

USUAL_OF: Final = 100
"""The usual size is the median of so many calm packets, 4 s at 25 a second."""


class CodedPicture(Protocol):
    """What a packet tells without being decoded."""

    @property
    def is_keyframe(self) -> bool:
        """Whether the stream says that it can be decoded alone."""

    @property
    def is_corrupt(self) -> bool:
        """Whether the container marks it as broken."""

    @property
    def size(self) -> int:
        """Bytes; 0 for the end of the stream."""

    @property
    def pts(self) -> int | None:
        """When it is shown, in ticks."""

    @property
    def dts(self) -> int | None:
        """When it is decoded, in ticks."""

    @property
    def time_base(self) -> Fraction:
        """Seconds a tick."""


Packet = TypeVar("Packet", bound=CodedPicture)


class Resting(Generic[Packet]):
    """The state of one stream.

    Attributes:
        is_wanted: the owner needs keyframes only; any thread may set it.
        is_resting: packets are kept at the moment.
        skipped: packets that were never decoded, so far.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self.is_resting = False
        self.skipped = 0
        self._is_able = True
        self._last_pts: int | None = None
        self._kept: list[Packet] = []
        self._key_s: Fraction | None = None
        self._interval_s: Fraction | None = None
        self._sizes: deque[int] = deque(maxlen=USUAL_OF)
        self._lively: deque[bool] = deque(maxlen=LIVELY_OF_LAST[1])

    def note_key_picture(self, *, is_intra: bool) -> None:
        """Learn of a decoded keyframe; one that is built on others (periodic refresh) ends resting for good."""
        self._is_able = self._is_able and is_intra

    def take(self, packet: Packet) -> tuple[Sequence[Packet], Sequence[Packet]]:
        """Return what is to be decoded now and what is not decoded at all, each in the order of the stream."""
        if not packet.size:  # the stream ends
            return [*self._wake(), packet], []
        self._note_order(packet)
        if packet.is_keyframe:
            return [packet], self._begin_group(packet)
        is_lively = self._note_size(packet.size)
        if not self.is_resting:
            return [packet], []
        self._kept.append(packet)
        stays = self.is_wanted and self._is_able and not packet.is_corrupt and not is_lively
        return ([], []) if stays and self._is_fresh(packet) else (self._wake(), [])

    def _note_order(self, packet: Packet) -> None:
        """End resting for good if pictures are shown in another order than they are decoded in."""
        last, self._last_pts = self._last_pts, packet.pts
        goes_back = last is not None and packet.pts is not None and packet.pts < last and not packet.is_keyframe
        self._is_able = self._is_able and packet.pts == packet.dts and not goes_back

    def _begin_group(self, key: Packet) -> list[Packet]:
        """Return the packets of the group before, if they were kept."""
        at_s = _time_s(key)
        if at_s is not None and self._key_s is not None:
            self._interval_s = at_s - self._key_s
        self._key_s = at_s
        skipped, self._kept = self._kept, []
        self.skipped += len(skipped)
        is_frequent = self._interval_s is not None and 0 < self._interval_s <= MAX_INTERVAL_S
        self.is_resting = self.is_wanted and self._is_able and is_frequent and not key.is_corrupt
        return skipped

    def _wake(self) -> list[Packet]:
        self.is_resting = False
        kept, self._kept = self._kept, []
        self._lively.clear()
        return kept

    def _note_size(self, size: int) -> bool:
        """Return whether the last packets are too large for a scene in which nothing happens."""
        if not self.is_wanted:
            return False
        usual = median(self._sizes) if len(self._sizes) == USUAL_OF else None
        is_large = usual is not None and size > LIVELY_FACTOR * usual + LIVELY_BYTES
        self._lively.append(is_large)
        if not (is_large and self.is_resting):  # a scene that stays calm with larger packets is the new usual
            self._sizes.append(size)
        return sum(self._lively) >= LIVELY_OF_LAST[0]

    def _is_fresh(self, packet: Packet) -> bool:
        at_s = _time_s(packet)
        return at_s is not None and self._key_s is not None and 0 <= at_s - self._key_s <= MAX_INTERVAL_S


def _time_s(packet: CodedPicture) -> Fraction | None:
    return None if packet.pts is None else packet.pts * packet.time_base

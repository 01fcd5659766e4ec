"""What cannot be trusted after packets of the network never arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av.logging

from winnow.pipeline.decoder.lost_packets import Doubt, LoggedGaps, NoGaps, logged_gaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A packet: a keyframe each fifth, ten a second."""

    number: int
    pts: int | None

    @property
    def is_keyframe(self) -> bool:
        """Whether it is one."""
        return self.number % 5 == 0

    is_corrupt = False
    size = 100
    time_base = Fraction(1, 10)

    @property
    def dts(self) -> int | None:
        """When it is decoded."""
        return self.pts


class ScriptedGaps:
    """Gaps found at each call, in order."""

    def __init__(self, *missed: int) -> None:
        self._missed = list(missed)

    def take(self) -> int:
        """Return the next."""
        return self._missed.pop(0) if self._missed else 0


def _doubted(doubt: Doubt, packets: Sequence[Coded]) -> list[int]:
    return [packet.number for packet in packets if doubt.falls_on(packet)]


def _stream(count: int, *, first_pts: int | None = 0) -> list[Coded]:
    return [Coded(number=n, pts=None if first_pts is None else first_pts + n) for n in range(count)]


def test_whole_stream_is_trusted() -> None:
    """Nothing missed, nothing doubted."""
    assert _doubted(Doubt(NoGaps()), _stream(12)) == []


def test_doubt_lasts_to_the_next_keyframe() -> None:
    """A gap found with packet 1 makes 1 to 4 doubtful; the keyframe 5 and all after it are whole."""
    doubt = Doubt(ScriptedGaps(0, 0, 3), opening_s=1)
    assert _doubted(doubt, _stream(12)) == [1, 2, 3, 4]
    assert doubt.missed == 3


def test_keyframe_that_was_being_read_is_doubted() -> None:
    """A gap found with packet 4 may be in the keyframe after it: only the keyframe 10 ends the doubt."""
    assert _doubted(Doubt(ScriptedGaps(0, 0, 0, 0, 0, 1)), _stream(12)) == [4, 5, 6, 7, 8, 9]


def test_keyframe_itself_is_doubted() -> None:
    """A gap found with a keyframe spoils it."""
    assert _doubted(Doubt(ScriptedGaps(0, 0, 0, 0, 0, 0, 1)), _stream(12)) == [5, 6, 7, 8, 9]


def test_gap_while_opening_may_be_anywhere_in_what_was_read_ahead() -> None:
    """Opening took 0.7 s and missed something: the keyframe at 0.5 s does not help, the one at 1.0 s does."""
    assert _doubted(Doubt(ScriptedGaps(1), opening_s=0.7), _stream(12, first_pts=900)) == list(range(10))


def test_keyframe_partly_read_while_opening_is_doubted() -> None:
    """Opening took 0.4 s: the keyframe at 0.5 s may have begun in it."""
    assert _doubted(Doubt(ScriptedGaps(1), opening_s=0.4), _stream(12)) == list(range(10))


def test_stream_without_times_stays_doubted_after_a_gap_while_opening() -> None:
    """Nobody can tell where what was read ahead ends, so nothing is shown rather than something made up."""
    assert _doubted(Doubt(ScriptedGaps(1), opening_s=0.4), _stream(12, first_pts=None)) == list(range(12))


def test_gaps_are_read_from_the_log() -> None:
    """Each message counts, equal ones too, and nothing else does."""
    with logged_gaps() as gaps:
        for text in (
            "RTP: missed 2 packets\n",
            "RTP: missed 2 packets\n",
            "max delay reached. need to consume packet\n",
        ):
            av.logging.log(av.logging.WARNING, "rtsp", text)
        assert gaps.take() == 4
        assert gaps.take() == 0


def test_listening_leaves_the_log_as_it_was() -> None:
    """Level and repetition are those from before."""
    before = (av.logging.get_level(), av.logging.get_skip_repeated())
    with logged_gaps():
        pass
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before


def test_gap_of_a_strange_size_counts() -> None:
    """A number that wrapped around is a gap too."""
    assert LoggedGaps([(24, "rtsp", "RTP: missed -3 packets\n")]).take() == 1

"""A camera that rests: which packets are decoded, and that every picture handed out is the true one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.pipeline.decoder.picture import Picture
from winnow.pipeline.decoder.reader import PictureReader, digest, video_stream
from winnow.pipeline.decoder.resting import USUAL_OF, Resting
from winnow.pipeline.decoder.tally import SourceTally
from winnow.pipeline.decoder.timekeeping import RecordedTime

CLIP: Final = Path(__file__).parents[4] / "sample_videos" / "line_crossing.mp4"
GROUP: Final = 10
CALM: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A packet of a stream with 10 pictures a second and a keyframe every second."""

    number: int
    size: int = CALM
    is_corrupt: bool = False
    delay: int = 0
    ticks: int = 1
    swaps: bool = False
    is_timed: bool = True

    @property
    def is_keyframe(self) -> bool:
        """Whether it begins a group."""
        return self.number % GROUP == 0

    @property
    def dts(self) -> int | None:
        """When it is decoded; of pictures that swap places with a neighbour, when it is shown."""
        place = self.number + 1 - 2 * (self.number % 2) if self.swaps else self.number
        return place * self.ticks if self.is_timed else None

    @property
    def pts(self) -> int | None:
        """When it is shown."""
        return None if self.dts is None else self.dts + self.delay

    @property
    def time_base(self) -> Fraction:
        """Seconds a tick."""
        return Fraction(1, 10)


def _take(resting: Resting[Coded], packets: Sequence[Coded]) -> list[int]:
    """Return the numbers of the packets that are decoded."""
    return [one.number for packet in packets for one in resting.take(packet)[0]]


def _stream(groups: int, first: int = 0, size: int = CALM) -> list[Coded]:
    return [Coded(number=number, size=size) for number in range(first * GROUP, (first + groups) * GROUP)]


def _at_rest() -> Resting[Coded]:
    """Return a stream that rests at the beginning of group 20 and knows its usual sizes."""
    resting: Resting[Coded] = Resting()
    resting.is_wanted = True
    _take(resting, _stream(20))
    return resting


def test_awake_stream_is_decoded_whole() -> None:
    """Nobody wants rest: every packet is decoded as it comes."""
    assert _take(Resting(), _stream(3)) == list(range(30))


def test_resting_stream_decodes_keyframes_only() -> None:
    """From the second keyframe on the stream is known to have them often enough; the rest is counted as skipped."""
    resting: Resting[Coded] = Resting()
    resting.is_wanted = True
    assert _take(resting, _stream(4)) == [*range(GROUP), 10, 20, 30]
    assert resting.skipped == 2 * (GROUP - 1)


def test_waking_decodes_what_was_kept_first() -> None:
    """The owner saw something move: all pictures since the last keyframe come, then the next ones."""
    resting = _at_rest()
    group = _stream(1, first=20)
    assert _take(resting, group[:4]) == [200]
    resting.is_wanted = False
    assert _take(resting, group[4:]) == list(range(201, 210))


def test_large_packets_wake_the_stream() -> None:
    """Two packets of three that are clearly larger than usual bring everything since the keyframe."""
    resting = _at_rest()
    sizes = [CALM, CALM, 3 * CALM, CALM, 3 * CALM]
    group = [Coded(number=200), *(Coded(number=201 + index, size=size) for index, size in enumerate(sizes))]
    assert _take(resting, group[:-1]) == [200]
    assert _take(resting, group[-1:]) == [201, 202, 203, 204, 205]


def test_single_large_packet_does_not_wake_the_stream() -> None:
    """One alone is the encoder's whim."""
    resting = _at_rest()
    group = [Coded(number=200), Coded(number=201, size=5 * CALM), *(Coded(number=n) for n in range(202, 210))]
    assert _take(resting, group) == [200]


def test_scene_that_stays_calm_with_larger_packets_rests_again() -> None:
    """At night noise makes packets larger: while the owner still sees nothing move, that becomes the usual size."""
    resting = _at_rest()
    groups = 2 * USUAL_OF // GROUP
    decoded = _take(resting, _stream(groups, first=20, size=3 * CALM))
    assert len(decoded) > USUAL_OF // 2
    assert decoded[-1] == (20 + groups - 1) * GROUP


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param([Coded(number=n, delay=n % 2) for n in range(60)], id="pictures out of order"),
        pytest.param(
            [Coded(number=n, swaps=True) for n in range(60)], id="pictures out of order that nobody announced"
        ),
        pytest.param([Coded(number=n, is_timed=False) for n in range(60)], id="no time stamps"),
        pytest.param([Coded(number=n, ticks=4) for n in range(60)], id="keyframes too far apart"),
    ],
)
def test_stream_that_cannot_rest_is_decoded_whole(packets: list[Coded]) -> None:
    """Keyframes alone would be wrong or too few there, whatever the owner wants."""
    resting: Resting[Coded] = Resting()
    resting.is_wanted = True
    assert _take(resting, packets) == list(range(60))


def test_stream_rests_whose_first_packet_has_no_time_stamps() -> None:
    """So every RTSP stream begins."""
    resting: Resting[Coded] = Resting()
    resting.is_wanted = True
    decoded = _take(resting, [Coded(number=0, is_timed=False), *(Coded(number=n) for n in range(1, 60))])
    assert decoded == [*range(2 * GROUP + 1), *range(3 * GROUP, 60, GROUP)]


def test_keyframe_that_is_built_on_others_ends_resting() -> None:
    """Streams with periodic refresh mark pictures as keyframes that are wrong when decoded alone."""
    resting = _at_rest()
    resting.note_key_picture(is_intra=False)
    assert _take(resting, _stream(2, first=20)) == list(range(200, 220))


def test_end_of_the_stream_brings_what_was_kept() -> None:
    """A connection that is closed loses no picture that may have mattered."""
    resting = _at_rest()
    assert _take(resting, [*_stream(1, first=20)[:5], Coded(number=205, size=0)]) == [200, 201, 202, 203, 204, 205]


@given(
    st.lists(
        st.tuples(st.booleans(), st.sampled_from([CALM, 4 * CALM]), st.sampled_from([False] * 9 + [True])), max_size=200
    )
)
def test_no_picture_is_decoded_without_those_it_is_built_on(script: list[tuple[bool, int, bool]]) -> None:
    """Whatever is wanted, large or broken: a picture follows the one that it is built on, and none comes twice."""
    resting: Resting[Coded] = Resting()
    decoded: list[int] = []
    skipped: list[int] = []
    for number, (is_wanted, size, is_corrupt) in enumerate(script):
        resting.is_wanted = is_wanted
        due, passed = resting.take(Coded(number=number, size=size, is_corrupt=is_corrupt))
        decoded += [one.number for one in due]
        skipped += [one.number for one in passed]
    assert decoded == sorted(set(decoded))
    assert all(number % GROUP == 0 or number - 1 in set(decoded) for number in decoded)
    assert not set(decoded) & set(skipped)


def _read(wishes: Iterator[bool] | None = None) -> tuple[list[Picture], SourceTally]:
    tally = SourceTally()
    with av.open(str(CLIP)) as container:
        stream = video_stream(container)
        assert stream is not None
        reader = PictureReader(container, stream, timekeeper=RecordedTime(), tally=tally)
        pictures = []
        for picture in reader.pictures():
            pictures.append(picture)
            if wishes is not None:
                reader.resting.is_wanted = next(wishes)
        return pictures, tally


def test_pictures_of_a_stream_that_rested_are_the_true_ones() -> None:
    """A real clip that rests for three keyframes: time, epoch and pixels are those of decoding it all."""
    whole = {picture.moment.pts: picture for picture in _read()[0]}
    wishes = iter([True] * (GROUP + 4) + [False] * len(whole))
    pictures, tally = _read(wishes)
    assert tally.frames_skipped > 2 * (GROUP - 1)
    assert len(pictures) + tally.frames_skipped == len(whole)
    assert {picture.moment.stream_epoch for picture in pictures} == {0}
    for picture in pictures:
        true = whole[picture.moment.pts]
        assert picture.moment == true.moment
        assert digest(picture.image) == digest(true.image)

"""Which tracks become objects, what is said of them, and when they end."""

from fractions import Fraction

import numpy as np
import pytest

from winnow.pipeline.objects import Change, Objects, Turn
from winnow.pipeline.objects.tracked import RECENT_S, State
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracks

FRAME = (640, 480)
BOX = (100.0, 100.0, 130.0, 175.0)


def tracks(*rows: str, box: tuple[float, float, float, float] = BOX, score: float = 0.7) -> Tracks:
    """Return tracks 1, 2, … by what they show: `c`onfirmed, `t`ravelled, s`e`en, `f`ollowed by flow, `s`till.

    `-` is no track at all.
    """
    live = [(key, shows) for key, shows in enumerate(rows, start=1) if shows != "-"]

    def flags(letter: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([letter in shows for _, shows in live], np.bool_)

    return Tracks(
        keys=np.array([key for key, _ in live], np.int64),
        boxes_xyxy=np.array([box] * len(live), np.float64).reshape(-1, 4),
        scores=np.full(len(live), score),
        class_ids=np.zeros(len(live), np.int32),
        seen=flags("e"),
        present=flags("e") | flags("f"),
        followed=flags("e") | flags("f"),
        confirmed=flags("c"),
        travelled=flags("t"),
        still=flags("s"),
    )


def known_objects() -> Objects:
    """Return the objects of a camera in which nothing was seen yet."""
    return Objects(TrackingSettings(), labels=("person", "car"), frame_size=FRAME)


def follow(objects: Objects, at_s: float, *rows: str) -> Turn:
    """Follow tracks at a time."""
    return objects.follow(tracks(*rows), Fraction(at_s))


@pytest.mark.parametrize(
    ("shows", "starts"),
    [
        ("e", False),
        ("ce", False),
        ("te", False),
        ("ces", False),
        ("cte", True),
        ("ctes", True),
        ("ct", False),
        ("ctf", True),
    ],
)
def test_object_starts_when_it_is_confirmed_has_travelled_and_is_there(shows: str, starts: bool) -> None:  # noqa: FBT001
    """A sign that is found in every frame never moves, so it never starts."""
    assert len(follow(known_objects(), 0, shows).started) == starts


def test_numbers_have_no_gaps() -> None:
    """Objects are numbered as they start; candidates that come to nothing leave no hole."""
    objects = known_objects()
    follow(objects, 0, "e", "e", "e")
    assert [known.subject for known in follow(objects, 1, "-", "e", "cte").started] == ["person/1"]
    assert [known.subject for known in follow(objects, 2, "-", "cte", "cte").started] == ["person/2"]


def test_end_is_told_of_objects_that_started() -> None:
    """A candidate ends silently; both are forgotten."""
    objects = known_objects()
    follow(objects, 0, "e", "cte")
    ended = follow(objects, 1, "-", "-").ended
    assert [(known.subject, known.state) for known in ended] == [("person/1", State.ENDED)]
    assert objects.open == []
    assert objects._known == {}


def test_end_of_the_stream_ends_every_open_object() -> None:
    """Those that had started are given, in the order of their first sight."""
    objects = known_objects()
    follow(objects, 0, "cte", "e", "cte")
    assert [known.subject for known in objects.end_all()] == ["person/1", "person/2"]
    assert objects.end_all() == []


def changes(objects: Objects, *at_and_shows: tuple[float, str]) -> list[tuple[float, Change]]:
    """Return what is told of the first object, and when."""
    told: list[tuple[float, Change]] = []
    for at_s, shows in at_and_shows:
        follow(objects, at_s, shows)
        change = objects.change_of(objects.open[0], Fraction(at_s))
        if change is not None:
            told.append((at_s, change))
    return told


def test_standing_still_and_moving_on_are_told() -> None:
    """The states of the table, each change once."""
    script = [(0, "cte"), (6, "ctes"), (7, "ctes"), (20, "cts"), (30, "cte"), (31, "cte")]
    assert changes(known_objects(), *script) == [(6, "stationary"), (30, "moving")]


def test_changes_wait_for_five_seconds_after_the_last_word() -> None:
    """At most one update in five seconds, the start included; the last state is told in the end."""
    script = [(0, "cte"), (4, "ctes"), (5, "ctes"), (7, "cte"), (9, "cte"), (10, "cte")]
    assert changes(known_objects(), *script) == [(5, "stationary"), (10, "moving")]


def test_change_that_is_undone_in_time_is_never_told() -> None:
    """Who stops for three seconds was walking all the time."""
    assert changes(known_objects(), (0, "cte"), (2, "ctes"), (4, "cte"), (6, "cte")) == []


def test_zones_are_told_before_movement() -> None:
    """One update says both: it names the zones and whether the object moves."""
    objects = known_objects()
    follow(objects, 0, "cte")
    (known,) = objects.open
    known.note_zones(("door",))
    follow(objects, 5, "ctes")
    assert objects.change_of(known, Fraction(5)) == "zones"
    assert objects.change_of(known, Fraction(10)) is None
    assert known.zones == ["door"]


def test_what_was_last_seen_is_what_is_known() -> None:
    """A frame without a detection changes neither box nor score nor time."""
    objects = known_objects()
    objects.follow(tracks("cte", score=0.9), Fraction(1))
    objects.follow(tracks("ct", score=0.9, box=(0, 0, 10, 10)), Fraction(2))
    (known,) = objects.open
    assert (known.box, known.last_seen_s, known.first_seen_s) == (BOX, Fraction(1), Fraction(1))
    objects.follow(tracks("cte", score=0.5), Fraction(3))
    assert (known.score, known.top_score) == (0.5, 0.9)


def test_boxes_end_at_the_frame() -> None:
    """An estimate may reach beyond the picture, what is told never does."""
    objects = known_objects()
    objects.follow(tracks("cte", box=(-5, -5, 700, 500)), Fraction(0))
    (known,) = objects.open
    assert [*known.box, *known.anchor] == [0, 0, 640, 480, 320, 480]


def test_candidate_remembers_only_its_last_seconds() -> None:
    """A sign that stands for an hour costs no memory; what starts brings its last way along for the rules."""
    objects = known_objects()
    for second in range(100):
        follow(objects, second, "ce")
    (known,) = objects._known.values()
    times = [sighting.at_s for sighting in known.take_unruled()]
    assert times == list(range(99 - RECENT_S, 100))
    assert known.take_unruled() == []

"""Who is who from frame to frame."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.detectors import Detections
from winnow.pipeline.detection import Look
from winnow.pipeline.settings import TrackingSettings
from winnow.pipeline.tracking import Tracker, Tracks

FPS = 5
Seen = tuple[float, float, float]
"""x of the centre, y of the centre, score; every person is 30 x 75 pixels."""


def detections(*people: Seen, class_ids: tuple[int, ...] | None = None, width: float = 30) -> Detections:
    """Return detections, best first as a detector gives them."""
    ordered = sorted(zip(people, class_ids or (0,) * len(people), strict=True), key=lambda item: -item[0][2])
    boxes = [(x - width / 2, y - 37.5, x + width / 2, y + 37.5) for (x, y, _), _ in ordered]
    return Detections(
        boxes_xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.array([score for (_, _, score), _ in ordered], np.float32),
        class_ids=np.array([class_id for _, class_id in ordered], np.int32),
    )


class Film:
    """A tracker and the time, one frame after the other."""

    def __init__(self, options: TrackingSettings | None = None, fps: int = FPS) -> None:
        self.tracker = Tracker(options or TrackingSettings())
        self.index = -1
        self.fps = fps

    @property
    def at_s(self) -> Fraction:
        """Stream time of the last frame."""
        return Fraction(self.index, self.fps)

    def show(self, *people: Seen) -> Tracks:
        """Return the tracks after a frame that shows these people."""
        self.index += 1
        return self.tracker.update(Look.at_whole_frame(detections(*people)), self.at_s)

    def look_at(self, *people: Seen, window: tuple[float, float, float, float]) -> Tracks:
        """Return the tracks after a frame of which the detector saw only a window."""
        self.index += 1
        look = Look(
            detections=detections(*people),
            cut=Detections.empty(),
            windows_xyxy=np.array([window], np.float64),
            is_whole_frame=False,
        )
        return self.tracker.update(look, self.at_s)

    def rest(self, frames: int) -> Tracks:
        """Return the tracks after frames in which nothing moved."""
        for _ in range(frames):
            self.index += 1
            tracks = self.tracker.coast(self.at_s)
        return tracks


def confirmed(tracks: Tracks) -> list[int]:
    """Return the keys of the confirmed tracks."""
    return [int(key) for key in tracks.keys[tracks.confirmed]]


@pytest.mark.parametrize(
    ("scores", "is_confirmed"),
    [
        ((0.6, 0.6), False),
        ((0.6, 0.6, 0.6), True),
        ((0.4, 0.6, 0.5), True),
        ((0.45, 0.45, 0.9), False),
        ((0.45, 0.45, 0.9, 0.9), True),
        ((0.45,) * 20, False),
    ],
)
def test_track_is_confirmed_by_the_median_of_its_scores(scores: tuple[float, ...], is_confirmed: bool) -> None:  # noqa: FBT001
    """Three detections whose median reaches 0.5: one good look among bad ones is not enough."""
    film = Film()
    for score in scores:
        tracks = film.show((100, 100, score))
    assert tracks.confirmed.tolist() == [is_confirmed]


def test_weak_detections_never_begin_a_track() -> None:
    """A box below `min_score` that no track expects is nothing."""
    film = Film()
    for _ in range(20):
        assert len(film.show((100, 100, 0.39))) == 0


def test_weak_detections_extend_a_track() -> None:
    """A person half hidden scores low for a moment and stays the same person."""
    film = Film()
    for index in range(10):
        film.show((100 + 6 * index, 100, 0.7))
    for index in range(10, 12):
        tracks = film.show((100 + 6 * index, 100, 0.25))
        assert tracks.seen.tolist() == [True]
    assert confirmed(film.show((100 + 6 * 12, 100, 0.7))) == [1]


def test_weak_detections_alone_do_not_keep_a_track_for_long() -> None:
    """A sign that looks a little like a person does not keep the track of one who passed it."""
    film = Film()
    for _ in range(10):
        film.show((100, 100, 0.7))
    seen = [bool(film.show((100, 100, 0.3)).seen[0]) for _ in range(3)]
    assert seen == [True, True, False]
    ends = [len(film.show((100, 100, 0.3))) for _ in range(60)]
    assert ends[0] == 1
    assert ends[-1] == 0


def test_track_ends_five_seconds_after_it_was_last_seen() -> None:
    """Exactly then, and nothing of it is kept."""
    film = Film()
    for index in range(10):
        film.show((100 + 6 * index, 100, 0.7))
    alive = [len(film.show()) for _ in range(5 * FPS)]
    assert alive == [1] * (5 * FPS - 1) + [0]
    assert len(film.tracker._table) == len(film.tracker._states) == 0


def test_unconfirmed_track_ends_soon() -> None:
    """What was seen once or twice is not waited for."""
    film = Film()
    film.show((100, 100, 0.9))
    assert [len(film.show()) for _ in range(FPS)][-1] == 0


def test_hidden_person_is_found_again() -> None:
    """Two seconds behind a van at a steady walk: the same person comes out on the other side."""
    film = Film()
    for index in range(15):
        film.show((100 + 6 * index, 100, 0.7))
    for _ in range(10):
        film.show()
    assert confirmed(film.show((100 + 6 * 25 - 20, 100, 0.7))) == [1]


def test_people_who_pass_each_other_keep_their_tracks() -> None:
    """Two people walk towards each other and past; their boxes overlap for a while."""
    film = Film(fps=10)
    for index in range(60):
        tracks = film.show((100 + 5 * index, 100, 0.8), (400 - 5 * index, 112, 0.7))
    assert confirmed(tracks) == [1, 2]
    left, right = (float(box[0]) for box in tracks.boxes_xyxy)
    assert left > 350
    assert right < 150


def test_two_names_for_one_thing_are_one_track() -> None:
    """A van found as car and as truck at once is one, and carries the better name."""
    tracker = Tracker(TrackingSettings())
    for index in range(5):
        both = detections((100, 100, 0.6), (101, 100, 0.7), class_ids=(2, 7))
        tracks = tracker.update(Look.at_whole_frame(both), Fraction(index, FPS))
    assert tracks.class_ids.tolist() == [7]


def test_name_that_changes_from_frame_to_frame_is_one_track() -> None:
    """Now a car, now a truck, always in the same place."""
    tracker = Tracker(TrackingSettings())
    for index in range(10):
        seen = detections((100, 100, 0.6), class_ids=(2 + 5 * (index % 2),))
        tracks = tracker.update(Look.at_whole_frame(seen), Fraction(index, FPS))
    assert tracks.keys.tolist() == [1]


def test_other_classes_are_other_tracks() -> None:
    """A person who steps out of a car does not become the car."""
    tracker = Tracker(TrackingSettings())
    for index in range(10):
        both = detections((100, 100, 0.6), (110, 100, 0.7), class_ids=(0, 2))
        tracks = tracker.update(Look.at_whole_frame(both), Fraction(index, FPS))
    assert sorted(tracks.class_ids.tolist()) == [0, 2]


@pytest.mark.parametrize("fps", [1, 2, 5, 10, 30])
def test_slow_walk_is_one_track_at_any_frame_rate(fps: int) -> None:
    """Stream time decides, not the number of frames: 15 pixels a second is half a person's width."""
    film = Film(fps=fps)
    for index in range(12 * fps):
        tracks = film.show((100 + 15 * index / fps, 100, 0.7))
    assert tracks.keys.tolist() == [1]
    assert tracks.travelled.tolist() == [True]


def test_trembling_thing_has_not_travelled() -> None:
    """A sign whose box trembles by a tenth of its size stands still; a walk of the same length does not."""
    film = Film(TrackingSettings())
    luck = np.random.default_rng(4)
    for _ in range(300):
        tracks = film.show((100 + luck.uniform(-3, 3), 100 + luck.uniform(-7, 7), 0.7))
    assert tracks.travelled.tolist() == [False]
    assert tracks.still.tolist() == [True]


def test_half_hidden_thing_has_not_travelled() -> None:
    """A parked car that somebody walks past loses one side of its box and gets it back."""
    tracker = Tracker(TrackingSettings())
    for index in range(100):
        hidden = 60 if 40 <= index < 50 else 0
        box = np.array([[100 + hidden, 100, 300, 200]], np.float32)
        seen = Detections(boxes_xyxy=box, scores=np.array([0.8], np.float32), class_ids=np.array([2], np.int32))
        tracks = tracker.update(Look.at_whole_frame(seen), Fraction(index, FPS))
    assert tracks.keys.tolist() == [1]
    assert tracks.travelled.tolist() == [False]


def test_still_track_lives_on_while_nobody_looks() -> None:
    """Nothing moved in the picture, so the parked car is still there; it is looked at every ten seconds."""
    film = Film()
    for _ in range(6 * FPS):
        film.show((100, 100, 0.8))
    assert film.tracker.needs_detection(film.at_s + Fraction(1, FPS)) is False
    tracks = film.rest(10 * FPS - 1)
    assert tracks.keys.tolist() == [1]
    assert tracks.seen.tolist() == [False]
    assert film.tracker.needs_detection(film.at_s) is False
    assert film.tracker.needs_detection(film.at_s + Fraction(1, FPS)) is True


def test_still_track_that_is_gone_when_looked_at_ends_five_seconds_later() -> None:
    """Somebody drove it away while the gate was closed: from that look on it is missing and looked for every second."""
    film = Film()
    for _ in range(6 * FPS):
        film.show((100, 100, 0.8))
    film.rest(9 * FPS)
    assert len(film.show()) == 1
    assert film.tracker.needs_detection(film.at_s + Fraction(1, FPS)) is False
    assert film.tracker.needs_detection(film.at_s + 1) is True
    lives = [len(film.show()) for _ in range(6 * FPS)]
    assert lives.index(0) in range(5 * FPS - 2, 5 * FPS + 1)


def test_moving_and_missing_tracks_need_the_detector() -> None:
    """Without pixels a walker wants a look at once, one whom a look missed in every second frame, nobody none."""
    film = Film()
    assert film.tracker.needs_detection(Fraction(0)) is False
    for index in range(10):
        film.show((100 + 6 * index, 100, 0.8))
    assert film.tracker.needs_detection(film.at_s) is True
    film.show()
    assert film.tracker.needs_detection(film.at_s) is False
    film.rest(1)
    assert film.tracker.needs_detection(film.at_s) is True


def test_told_box_lies_halfway_to_a_sure_detection() -> None:
    """Of a box suddenly twice as wide, half of what the estimate did not follow is told; a weak one pulls nothing."""

    def told_width(score: float) -> float:
        film = Film()
        for _ in range(5):
            film.show((100, 100, 0.8))
        found = detections((100, 100, score), width=60)
        x1, _, x2, _ = film.tracker.update(Look.at_whole_frame(found), film.at_s + Fraction(1, FPS)).boxes_xyxy[0]
        return float(x2 - x1)

    estimate, told = told_width(0.3), told_width(0.8)
    assert 30 < estimate < 45
    assert told == pytest.approx((estimate + 60) / 2)


def test_keys_are_never_used_twice() -> None:
    """A new track after the end of all others has a new key."""
    film = Film()
    film.show((100, 100, 0.8))
    for _ in range(2 * FPS):
        film.show()
    assert film.show((300, 300, 0.8)).keys.tolist() == [2]


Scene = list[list[tuple[float, float, float]]]
scenes = st.lists(
    st.lists(st.tuples(st.floats(0, 640), st.floats(0, 480), st.floats(0, 1)), max_size=8), min_size=1, max_size=25
)


@settings(deadline=None)
@given(scenes)
def test_any_detections_keep_the_table_sound(frames: Scene) -> None:
    """Keys grow and are unique, nobody holds two detections, boxes stay finite; and twice gives the same bytes."""

    def run() -> list[Tracks]:
        film = Film()
        return [film.show(*people) for people in frames]

    first, second = run(), run()
    for before, after in zip(first, second, strict=True):
        keys = before.keys.tolist()
        assert keys == sorted(set(keys))
        assert np.isfinite(before.boxes_xyxy).all()
        assert before.boxes_xyxy.tobytes() == after.boxes_xyxy.tobytes()
        assert keys == after.keys.tolist()


def test_track_outside_the_window_is_not_missed() -> None:
    """Somebody stands where nobody looks, for as long as looks elsewhere go on; within the window he would be lost."""
    for window, alive in (((300, 0, 600, 400), [1, 2]), ((0, 0, 600, 400), [2])):
        film = Film()
        for index in range(8 * FPS):
            film.show((100, 100, 0.7), (400 + index, 100, 0.7))
        for index in range(8 * FPS):
            tracks = film.look_at((440 + index, 100, 0.7), window=window)
        assert tracks.keys.tolist() == alive
        assert tracks.seen.tolist() == [key == 2 for key in alive]


def test_tracks_that_move_are_where_to_look() -> None:
    """A walker is expected a step further on; somebody who stands still needs a look only when it is due again."""
    film = Film()
    for index in range(8 * FPS):
        film.show((100, 100, 0.7), (300 + 5 * index, 100, 0.7))
    at_s = Fraction(film.index + 1, FPS)
    (expected,) = film.tracker.where_to_look(at_s)
    assert (expected[0] + expected[2]) / 2 == pytest.approx(300 + 5 * 8 * FPS, abs=3)
    assert len(film.tracker.where_to_look(at_s + 10)) == 2

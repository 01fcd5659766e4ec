"""The small parts of a camera's loop: pace, tally, stream ids, event maker, statistics, drawing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from winnow.events import Event, Recorded, Thumbnail, new_event
from winnow.events.data import CameraOnline, CertificateEnd, CommandAnswer, LineCrossed, ModelRef, SettingsInUse
from winnow.events.identity import event_id
from winnow.pipeline.delivery.message import spooled
from winnow.pipeline.event_maker import EventMaker
from winnow.pipeline.footage import live_digest, recording_digest, stream_id
from winnow.pipeline.node_stats import CameraCounters, StatisticsReporter, parts_of
from winnow.pipeline.pace import Pace
from winnow.pipeline.scene import Happening, Picture
from winnow.pipeline.settings import CameraSettings, ConnectionSettings
from winnow.pipeline.tally import Tally
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MODEL = ModelRef(name="m", sha256="a" * 64)


def test_real_time_holds_frames_back() -> None:
    """A frame is due when as much real time has passed as stream time."""
    pace = Pace(1.0)
    assert pace.delay_s(Fraction(0), 100.0) == 0
    assert pace.delay_s(Fraction(2), 100.5) == pytest.approx(1.5)
    assert pace.delay_s(Fraction(3), 109.0) == 0


def test_double_speed_waits_half_as_long() -> None:
    """Speed divides stream time."""
    pace = Pace(2.0)
    pace.delay_s(Fraction(0), 0.0)
    assert pace.delay_s(Fraction(4), 0.0) == pytest.approx(2.0)


def test_full_speed_never_waits() -> None:
    """Without a speed every frame is due."""
    assert Pace(None).delay_s(Fraction(1000), 0.0) == 0


def test_stage_times_add_up() -> None:
    """Time spent inside a block belongs to its stage, and to no other."""
    tally, clock = Tally(), ManualClock()
    for _ in range(2):
        with tally.timed("detect", clock):
            clock.advance(0.5)
    with tally.timed("motion", clock):
        clock.advance(1)
    assert tally.stage_s["detect"] == 1.0
    assert tally.stage_s["motion"] == 1.0


def test_latency_percentiles_are_of_the_last_frames() -> None:
    """Half of 0…99 stays within 50; without frames the answer is 0, and frames of half a minute ago do not count."""
    tally = Tally()
    assert tally.latency_ms(0.5) == 0
    tally.note_latency(5000, now_s=9.9)
    for value in range(100):
        tally.note_latency(value, now_s=40.0)
    assert tally.latency_ms(0.5) == 50
    assert tally.latency_ms(0.95) == 95


def test_same_footage_has_the_same_digest_anywhere(tmp_path: Path) -> None:
    """Name and place do not matter, one byte does."""
    first, second, other = tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "c.mp4"
    first.write_bytes(b"frames")
    second.write_bytes(b"frames")
    other.write_bytes(b"framez")
    assert recording_digest(first) == recording_digest(second) != recording_digest(other)


def test_stream_id_depends_on_all_that_changes_events(tmp_path: Path) -> None:
    """Another start, node, camera, setting or model is another stream; another path to the footage is not."""
    settings = CameraSettings(source=str(tmp_path / "a.mp4"))

    def id_of(
        settings: CameraSettings = settings,
        starts_at: datetime = NOON,
        camera: str = "door",
        node: str = "n",
        model: ModelRef = MODEL,
    ) -> str:
        return stream_id(footage="f", starts_at=starts_at, node=node, camera=camera, settings=settings, model=model)

    others = {
        id_of(starts_at=NOON + timedelta(seconds=1)),
        id_of(camera="yard"),
        id_of(node="m"),
        id_of(model=ModelRef(name="m", sha256="b" * 64)),
        id_of(settings=settings.model_copy(update={"analysed_fps": 4.0})),
        id_of(settings=settings.model_copy(update={"connection": ConnectionSettings(fast_decoding=True)})),
    }
    assert len(others | {id_of()}) == 7
    assert id_of(settings=settings.model_copy(update={"source": "elsewhere.mp4"})) == id_of()


def test_live_streams_differ_by_when_they_were_opened() -> None:
    """A camera that is opened again is another stream."""
    assert live_digest("rtsp://c", NOON) != live_digest("rtsp://c", NOON + timedelta(microseconds=1))


def _crossing(revision: int) -> Happening:
    data = LineCrossed(
        label="person",
        track=1,
        score=0.5,
        box=(0, 0, 1, 1),
        frame=(9, 9),
        model=MODEL,
        clock="file",
        line="l",
        direction="in",
    )
    return Happening(at_s=Fraction(5, 2), subject="person/1", revision=revision, data=data)


def _maker() -> EventMaker:
    return EventMaker(node="n", camera="c", stream_id="s", moment=lambda at_s: NOON + timedelta(seconds=float(at_s)))


def test_events_get_ids_that_a_replay_gives_again() -> None:
    """The same happening has the same id; its next revision has another."""
    first, second = _maker().messages([_crossing(0), _crossing(1)])
    assert isinstance(first, Event)
    assert first.time == NOON + timedelta(seconds=2.5)
    assert _maker().messages([_crossing(0)]) == [first]
    assert first.id != second.id
    assert replace(_maker(), stream_id="t").messages([_crossing(0)])[0].id != first.id


def test_thumbnail_names_the_event_it_belongs_to() -> None:
    """A picture of `object.ended` carries the id that this event has."""
    (thumbnail,) = _maker().messages(
        [Picture(at_s=Fraction(1), subject="person/1", belongs_to="object.started", jpeg=b"j")]
    )
    assert isinstance(thumbnail, Thumbnail)
    assert thumbnail.event_id == event_id("s", "object.started", "person/1", 0)


def test_camera_events_of_two_moments_differ() -> None:
    """A camera may go online many times in a stream."""
    online = CameraOnline(frame=(9, 9), clock="wall")
    assert _maker().about_camera(NOON, online).id != _maker().about_camera(NOON + timedelta(seconds=1), online).id


def _counters(decoded: int, dropped: int) -> CameraCounters:
    return CameraCounters(
        frames_decoded=decoded,
        frames_analysed=decoded // 2,
        frames_dropped={"drop_oldest": dropped},
        bytes_in=decoded * 1000,
        bytes_out=decoded,
        latency_p50_ms=1.0,
        latency_p95_ms=2.0,
    )


def test_statistics_are_of_the_period() -> None:
    """Counters that only grow become what happened since the last report."""
    reporter = StatisticsReporter(MODEL)
    first = reporter.report([("c", _counters(10, 1))], period_s=60, spool_depth=0, spool_bytes=0)
    second = reporter.report([("c", _counters(30, 1))], period_s=60, spool_depth=2, spool_bytes=9)
    assert (first.cameras[0].frames_decoded, second.cameras[0].frames_decoded) == (10, 20)
    assert second.cameras[0].frames_dropped == {"drop_oldest": 0}
    assert (second.cameras[0].bytes_in, second.spool_depth) == (20_000, 2)


def test_statistics_of_many_cameras_go_in_parts_that_an_event_can_hold() -> None:
    """64 cameras and 64 long answers are each told once, and no part is too large to be accepted."""
    reporter = StatisticsReporter(MODEL)
    names = [f"camera-{number:033}" for number in range(64)]
    ends = [CertificateEnd(connection="mqtt", whose="own", not_after=NOON) for _ in range(16)]
    answers = [CommandAnswer(command="reload", outcome="refused", id=f"{n:064}", reason="x" * 200) for n in range(64)]
    whole = reporter.report(
        [(name, _counters(10**15, 10**15)) for name in names],
        period_s=60,
        spool_depth=0,
        spool_bytes=0,
        settings=SettingsInUse(since=NOON, problem="x" * 200),
        answers=answers,
        certificates=ends,
    )
    parts = parts_of(whole)
    events = [new_event(id="i", node="n", camera=None, subject=None, time=NOON, data=part) for part in parts]
    for event in events:
        spooled(event.with_record(Recorded(epoch="e" * 40, sequence=2**53, at=NOON)))  # refuses what is too large
    assert [stats.camera for part in parts for stats in part.cameras] == names
    assert [answer for part in parts for answer in part.answers] == answers
    assert [part.certificates for part in parts] == [ends] * len(parts), "the newest part is what the cloud goes by"
    assert [part.settings is not None for part in parts] == [True] + [False] * (len(parts) - 1)

"""What every store does: SQLite, PostgreSQL and the fake.

Long, because one seam has one suite.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from winnow.cloud_sink.store import (
    UNKNOWN_STATE,
    Bandwidth,
    EventFilter,
    HourCount,
    ReusedPlaces,
    Store,
    StoreError,
    open_store,
)
from winnow.cloud_sink.testing import MemoryStore
from winnow.events import Event, Recorded, Thumbnail, new_event
from winnow.events.data import (
    CameraOnline,
    CameraStats,
    CertificateEnd,
    EventData,
    LineCrossed,
    ModelRef,
    NodeStats,
    SpoolDropped,
)
from winnow.events.identity import digest_of
from winnow.events.kafka import KafkaRecord, deadletter_record, status_record, to_kafka
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.status import CameraStatus, NodeStatus, encode_status
from winnow.events.thumbnail import sha256_of
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MODEL = ModelRef(name="tiny", sha256="a" * 64)


def _jpeg(seed: int) -> bytes:
    """Return the smallest bytes whose header says JPEG, 4 x 3 pixels; `seed` makes them differ."""
    frame = b"\xff\xc0\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00"
    return b"\xff\xd8" + frame + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + seed.to_bytes(4, "big") + b"\xff\xd9"


@pytest.fixture
def clock() -> ManualClock:
    """Return the stores' clock."""
    return ManualClock(NOON)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """Return an empty store of each kind."""
    opened: Store
    if request.param == "memory":
        opened = MemoryStore(clock)
    elif request.param == "sqlite":
        opened = open_store(f"sqlite:///{tmp_path}/events.db", clock=clock)
    else:
        opened = open_store(request.getfixturevalue("postgres_url"), clock=clock)
    yield opened
    opened.close()


def _crossing(label: str = "person", line: str = "door") -> LineCrossed:
    return LineCrossed(
        label=label,
        track=7,
        score=0.8,
        box=(0.1, 0.2, 0.3, 0.4),
        frame=(768, 576),
        model=MODEL,
        clock="file",
        line=line,
        direction="in",
    )


def _event(  # noqa: PLR0913 - a test names only what it is about
    sequence: int,
    data: EventData | None = None,
    *,
    node: str = "north",
    camera: str | None = "door",
    epoch: str = "e1",
    time: datetime = NOON,
    id_: str | None = None,
) -> Event:
    event = new_event(
        id=id_ or digest_of(node, camera or "", epoch, str(sequence)),
        node=node,
        camera=camera,
        subject="person/7",
        time=time,
        data=data or _crossing(),
    )
    return event.with_record(Recorded(epoch=epoch, sequence=sequence, at=time))


def _record(sequence: int, data: EventData | None = None, **named: str | datetime | None) -> KafkaRecord:
    return to_kafka(_event(sequence, data, **named))  # type: ignore[arg-type]


def _thumbnail(sequence: int, event: Event, jpeg: bytes, *, camera: str | None = None) -> KafkaRecord:
    thumbnail = Thumbnail(
        id=digest_of("thumbnail", str(sequence)),
        node=event.node,
        camera=camera or str(event.camera),
        subject="person/7",
        time=event.time,
        event_id=event.id,
        jpeg=jpeg,
        sha256=sha256_of(jpeg),
    )
    return to_kafka(thumbnail.with_record(Recorded(epoch="e1", sequence=sequence, at=event.time)))


def _stats(*cameras: tuple[str, int, int], depth: int = 0, ends: Sequence[datetime] = ()) -> NodeStats:
    return NodeStats(
        period_s=60,
        cameras=[
            CameraStats(
                camera=name,
                frames_decoded=10,
                frames_analysed=5,
                frames_dropped={},
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                latency_p50_ms=1,
                latency_p95_ms=2,
            )
            for name, bytes_in, bytes_out in cameras
        ],
        spool_depth=depth,
        spool_bytes=0,
        model=MODEL,
        certificates=[CertificateEnd(connection="mqtt", whose="own", not_after=at) for at in ends],
    )


def test_store_returns_the_event_that_came(store: Store) -> None:
    """A stored event turns back into the very event that was written, unknown fields and trace included."""
    event = _event(3, time=datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC))
    record = to_kafka(event)
    newer = KafkaRecord(
        topic=record.topic,
        key=record.key,
        value=record.value[:-1] + b',"added_later":"\xc3\xa9"}',
        headers=(*record.headers, ("ce_traceparent", b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-01")),
    )
    assert store.write([newer]).stored == 1
    [stored] = store.events()
    again = to_kafka(stored.event())
    assert again.value == newer.value
    assert dict(again.headers) == dict(newer.headers)
    assert (stored.position, stored.label, stored.kind, stored.stored_at) == (1, "person", "line.crossed", NOON)


def test_store_written_twice_holds_once(store: Store) -> None:
    """The same records in the same or in another write are stored once and counted as duplicates."""
    records = [_record(1), _record(2), _record(1)]
    assert (store.write(records).stored, store.write(records).duplicates) == (2, 3)
    assert [event.sequence for event in store.events()] == [1, 2]
    assert store.counts_per_hour() == [HourCount(hour=NOON, label="person", count=2)]


def test_store_accepts_a_replay_under_new_sequences_as_duplicates(store: Store) -> None:
    """The same event recorded again by a later epoch is a duplicate, and its sequence is accounted for."""
    store.write([_record(1, id_="a" * 32)])
    result = store.write([_record(1, id_="a" * 32, epoch="e2"), _record(2, epoch="e2")])
    assert (result.stored, result.duplicates, result.refused) == (1, 1, 0)
    assert store.gaps(0) == []


def test_store_refuses_an_id_with_other_content(store: Store) -> None:
    """An id that comes again with other content is not overwritten; the newcomer is a dead letter."""
    store.write([_record(1, id_="a" * 32)])
    result = store.write([_record(2, _crossing(line="gate"), id_="a" * 32)])
    assert (result.stored, dict(result.refusals)) == (0, {"reused": 1})
    [kept] = store.events()
    assert b'"door"' in kept.data_json
    [letter] = store.dead_letters()
    assert (letter.reason, b'"gate"' in letter.value) == ("reused", True)
    assert store.gaps(0) == [], "a dead letter's sequence is accounted for"


def test_store_tells_of_places_that_are_given_out_twice(store: Store) -> None:
    """Another message at a place that is taken, be it in a later write or the same, is stored and told of."""
    assert store.write([_record(n) for n in (1, 2, 3)]).reused == ()
    another = [_record(n, id_=f"{n:032x}") for n in (2, 3, 4)]
    result = store.write([*another, _record(4), _record(1, node="south")])
    assert (result.stored, result.refused) == (5, 0)
    assert result.reused == (ReusedPlaces(node="north", epoch="e1", first=2, last=4, count=3),)
    again = store.write(another)
    assert (again.duplicates, again.reused) == (3, ()), "what is sent again has its own place"


def test_store_takes_sequences_that_go_backwards_for_late_ones(store: Store) -> None:
    """The last comes first: each is stored at its own place, and the holes close."""
    results = [store.write([_record(n)]) for n in (3, 2, 1)]
    assert [(result.stored, result.reused) for result in results] == [(1, ())] * 3
    assert store.gaps(0) == []


def test_store_knows_what_was_given_up_and_came_all_the_same(store: Store) -> None:
    """A message that its tombstone overtook is no second use of its place; one that the tombstone does not name is."""
    tombstone = SpoolDropped(dropped_epoch="e1", ranges=[(2, 3)], count=2, reason="quota")
    store.write([_record(1), _record(4, tombstone, camera=None)])
    assert store.write([_record(2), _record(3)]).reused == ()
    [found] = store.write([_record(1, id_="a" * 32)]).reused
    assert (found.first, found.count) == (1, 1)


def test_store_keeps_the_same_id_of_two_cameras(store: Store) -> None:
    """An id is unique within its source only."""
    records = [_record(1, id_="a" * 32), _record(2, _crossing("car"), id_="a" * 32, camera="yard")]
    assert store.write(records).stored == 2


def test_store_never_blocks_on_a_broken_record(store: Store) -> None:
    """What breaks the contract becomes a dead letter with its reason; the rest of the batch is stored."""
    good = _record(1)
    broken = [
        KafkaRecord(topic="winnow.events", key=b"north/door", value=b"{", headers=good.headers),
        KafkaRecord(topic="winnow.events", key=b"\xff\x00", value=b"\x00" * 9, headers=(("ce_type", b"\xff"),)),
        KafkaRecord(topic="winnow.events", key=b"", value=b" " * (MAX_EVENT_BYTES + 1), headers=good.headers),
        KafkaRecord(topic="winnow.status", key=b"North!", value=b"{}", headers=()),
        KafkaRecord(topic="winnow.status", key=b"north", value=b"", headers=()),
        KafkaRecord(topic="winnow.thumbnails", key=good.key, value=good.value, headers=good.headers),
        KafkaRecord(topic="other\x00", key=b"", value=b"", headers=(("a\x00", b"\xff\x00"),)),
    ]
    result = store.write([*broken, good])
    assert result.stored == 1
    assert dict(result.refusals) == {"schema": 4, "size": 1, "topic": 2}
    assert len(store.dead_letters()) == len(broken)
    assert store.dead_letters()[-1].value == b"{"


def test_store_keeps_a_dead_letter_once(store: Store) -> None:
    """A dead letter that comes again is not kept twice."""
    letter = deadletter_record("winnow/v1/north/events/door", b"\x00rubbish\xff", "not JSON")
    assert dict(store.write([letter]).refusals) == {"gateway": 1}
    store.write([letter])
    [kept] = store.dead_letters()
    assert (kept.key, kept.value, kept.detail) == (b"winnow/v1/north/events/door", b"\x00rubbish\xff", "not JSON")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_store_survives_the_ends_of_time(store: Store, moment: str) -> None:
    """A time that no camera can have seen makes a dead letter, not a failure."""
    record = _record(1)
    headers = tuple((name, moment.encode() if name == "ce_time" else value) for name, value in record.headers)
    edge = KafkaRecord(topic=record.topic, key=record.key, value=record.value, headers=headers)
    assert dict(store.write([edge, _record(2)]).refusals) == {"schema": 1}


@pytest.mark.parametrize("year", [1970, 2199])
def test_store_keeps_every_year_of_the_contract(store: Store, year: int) -> None:
    """Times of the first and the last year come back as they went in."""
    moment = datetime(year, 6, 1, tzinfo=UTC)
    store.write([_record(1, time=moment)])
    assert store.events()[0].time == moment


def test_store_gives_an_event_its_newest_thumbnail(store: Store) -> None:
    """A thumbnail may come before its event; the newest one of the event is shown, byte for byte."""
    event = _event(2)
    store.write([_thumbnail(1, event, _jpeg(1))])
    store.write([to_kafka(event), _thumbnail(3, event, _jpeg(2))])
    [stored] = store.events()
    assert stored.thumbnail_id is not None
    assert store.thumbnail(stored.thumbnail_id) == _jpeg(2)
    assert store.thumbnail("0" * 64) is None


def test_store_shows_no_thumbnail_of_another_camera(store: Store) -> None:
    """A camera cannot put its image on another camera's event."""
    event = _event(1)
    store.write([to_kafka(event), _thumbnail(2, event, _jpeg(1), camera="yard")])
    assert store.events()[0].thumbnail_id is None


def test_store_thumbnail_written_twice_holds_once(store: Store) -> None:
    """A repeated thumbnail is a duplicate; other bytes under its id are refused."""
    event = _event(1)
    store.write([to_kafka(event), _thumbnail(2, event, _jpeg(1))])
    result = store.write([_thumbnail(2, event, _jpeg(1)), _thumbnail(2, event, _jpeg(9))])
    assert (result.stored, result.duplicates, dict(result.refusals)) == (0, 1, {"reused": 1})


def _seven(store: Store) -> None:
    """Write positions 1 to 7: cameras door and yard in turn, one label each, one minute apart; 7 is a camera event."""
    cameras = ["door", "yard"] * 3
    records = [
        _record(n, _crossing("person" if n % 2 else "car"), camera=camera, time=NOON + timedelta(minutes=n))
        for n, camera in enumerate(cameras, start=1)
    ]
    store.write([*records, _record(7, CameraOnline(frame=(8, 8), clock="rtcp"), node="south")])


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (EventFilter(), [1, 2, 3, 4, 5, 6, 7]),
        (EventFilter(cameras=("yard",)), [2, 4, 6]),
        (EventFilter(labels=("person", "bus")), [1, 3, 5]),
        (EventFilter(nodes=("south",)), [7]),
        (EventFilter(kinds=("camera.online",)), [7]),
        (EventFilter(since=NOON + timedelta(minutes=5)), [5, 6]),
        (EventFilter(until=NOON + timedelta(minutes=2)), [1, 7]),
        (EventFilter(cameras=("door",), labels=("car",)), []),
    ],
)
def test_store_filters_events(store: Store, wanted: EventFilter, expected: list[int]) -> None:
    """Every field of the filter narrows the answer; since is inclusive and until is not."""
    _seven(store)
    assert [event.position for event in store.events(wanted)] == expected


def test_store_pages_both_ways(store: Store) -> None:
    """`after`, `before`, `limit` and `newest_first` walk the events in both directions without overlap."""
    _seven(store)
    assert [event.position for event in store.events(after=2, limit=3)] == [3, 4, 5]
    assert [event.position for event in store.events(newest_first=True, limit=2)] == [7, 6]
    assert [event.position for event in store.events(newest_first=True, before=6, limit=2)] == [5, 4]
    assert store.events(after=7) == []


def test_store_counts_whole_hours(store: Store) -> None:
    """Counts go by hour of scene time and label, and take whole hours."""
    times = [NOON, NOON + timedelta(minutes=59), NOON + timedelta(minutes=60), NOON + timedelta(minutes=120)]
    store.write([_record(n, time=time) for n, time in enumerate(times, start=1)])
    store.write([_record(5, _crossing("car"), time=NOON, camera="yard")])
    later = NOON + timedelta(hours=1)
    assert store.counts_per_hour(EventFilter(until=later + timedelta(minutes=30))) == [
        HourCount(hour=NOON, label="car", count=1),
        HourCount(hour=NOON, label="person", count=2),
        HourCount(hour=later, label="person", count=1),
    ]
    assert store.counts_per_hour(EventFilter(since=later + timedelta(minutes=30), until=later)) == []
    assert sum(hour.count for hour in store.counts_per_hour(EventFilter(since=later + timedelta(minutes=30)))) == 2
    assert store.counts_per_hour(EventFilter(cameras=("yard",))) == [HourCount(hour=NOON, label="car", count=1)]
    assert store.counts_per_hour(EventFilter(kinds=("object.started",))) == []


def test_store_knows_nodes_and_cameras(store: Store) -> None:
    """The last status wins; what only sent events is there with its state unknown."""
    up = NodeStatus(state="online", since=NOON, version="1.2")
    down = NodeStatus(state="offline", since=NOON + timedelta(hours=1), version="1.2")
    dark = CameraStatus(state="degraded", since=NOON, reason="black")
    states: list[tuple[str, str | None, NodeStatus | CameraStatus]] = [
        ("north", None, up),
        ("north", "door", dark),
        ("north", None, down),
    ]
    store.write([status_record(node, camera, encode_status(status)) for node, camera, status in states])
    store.write([_record(1, time=NOON), _record(2, time=NOON - timedelta(hours=1)), _record(1, node="south")])
    north, south = store.nodes()
    assert (north.node, north.state, north.since, north.version) == ("north", "offline", down.since, "1.2")
    assert (north.last_event_at, south.state, south.since) == (NOON, UNKNOWN_STATE, None)
    door, other = store.cameras()
    assert (door.node, door.camera, door.state, door.reason) == ("north", "door", "degraded", "black")
    assert (other.node, other.camera, other.state, other.last_event_at) == ("south", "door", UNKNOWN_STATE, NOON)


def test_store_sums_the_bandwidth_once(store: Store) -> None:
    """Every `node.stats` counts once however often it comes; an older one does not set the spool depth back."""
    newer = _record(2, _stats(("door", 1000, 10), ("yard", 500, 5), depth=4), camera=None, time=NOON)
    older = _record(1, _stats(("door", 100, 1), depth=9), camera=None, time=NOON - timedelta(minutes=1))
    for records in ([newer], [newer], [older]):
        store.write(records)
    assert store.bandwidth() == Bandwidth(bytes_in=1600, bytes_out=16)
    assert store.bandwidth().factor == 100
    assert store.nodes()[0].spool_depth == 4


def test_store_knows_when_the_first_certificate_of_a_node_ends(store: Store) -> None:
    """By the newest `node.stats`, in UTC; a node that tells of none has none, and other batches leave it as it is."""
    first, later = NOON + timedelta(days=12), NOON + timedelta(days=90)
    told = _stats(ends=[later, first.astimezone(timezone(timedelta(hours=2)))])
    store.write([_record(2, told, camera=None, time=NOON), _record(1, node="south")])
    store.write([_record(3, time=NOON)])
    assert [node.certificate_ends_at for node in store.nodes()] == [first, None]
    store.write([_record(1, _stats(ends=[NOON]), camera=None, time=NOON - timedelta(minutes=1))])
    assert store.nodes()[0].certificate_ends_at == first
    store.write([_record(4, _stats(ends=[later]), camera=None, time=NOON + timedelta(minutes=1))])
    assert store.nodes()[0].certificate_ends_at == later
    store.write([_record(5, _stats(), camera=None, time=NOON + timedelta(minutes=2))])
    assert store.nodes()[0].certificate_ends_at is None


def test_store_survives_hostile_figures(store: Store) -> None:
    """Sums of absurd figures stop growing instead of overflowing."""
    for sequence in range(1, 4):
        store.write([_record(sequence, _stats(("door", 2**62, 2**62), ("yard", 2**62, 1)), camera=None)])
    assert store.bandwidth() == Bandwidth(bytes_in=2 * 2**62, bytes_out=2**62 + 3)


def test_store_names_exact_gaps(store: Store, clock: ManualClock) -> None:
    """A gap shows once it is older than the lateness limit, shrinks as stragglers come, and keeps its age."""
    store.write([_record(n) for n in (1, 2, 7)])
    clock.advance(59)
    assert store.gaps(60) == []
    clock.advance(1)
    store.write([_record(5)])
    assert [(gap.node, gap.epoch, gap.first, gap.last, gap.count) for gap in store.gaps(60)] == [
        ("north", "e1", 3, 4, 2),
        ("north", "e1", 6, 6, 1),
    ]
    assert store.gaps()[0].since == NOON
    store.write([_record(n) for n in (6, 3, 4)])
    assert store.gaps(0) == []


def test_store_audits_each_epoch_from_its_first_sequence(store: Store) -> None:
    """Sequences start at 1 in every epoch of every node; thumbnails share them."""
    event = _event(1)
    store.write([to_kafka(event), _thumbnail(2, event, _jpeg(1)), _record(3), _record(2, node="south")])
    assert [(gap.node, gap.first, gap.last) for gap in store.gaps(0)] == [("south", 1, 1)]


def test_store_takes_a_tombstone_for_an_explanation(store: Store) -> None:
    """Sequences that a tombstone names are no gap, also of an earlier epoch."""
    tombstone = SpoolDropped(dropped_epoch="e1", ranges=[(2, 4), (6, 6), (9, 8), (0, 2**62)], count=4, reason="quota")
    store.write([_record(n) for n in (1, 5, 8)])
    store.write([_record(1, tombstone, camera=None, epoch="e2")])
    assert [(gap.epoch, gap.first, gap.last) for gap in store.gaps(0)] == [("e1", 7, 7)]


def test_store_accounts_for_a_broken_record_whose_position_is_known(store: Store) -> None:
    """Dead letters are no gap if their headers still tell epoch and sequence."""
    middle = _record(2)
    broken = KafkaRecord(topic=middle.topic, key=middle.key, value=b"{", headers=middle.headers)
    gateway = deadletter_record("winnow/v1/north/events/door", b"{", "not JSON")
    located = KafkaRecord(
        topic=gateway.topic,
        key=gateway.key,
        value=gateway.value,
        headers=(*gateway.headers, ("epoch", b"e1"), ("sequence", b"3")),
    )
    store.write([_record(1), broken, located, _record(4)])
    assert store.gaps(0) == []
    assert len(store.dead_letters()) == 2


def test_store_keeps_offsets_with_the_rows(store: Store) -> None:
    """The next offset of every partition is there as soon as the rows are; each write replaces only its own."""
    store.write([_record(1)], {("winnow.events", 0): 5, ("winnow.status", 3): 2**40})
    store.write([], {("winnow.events", 0): 6})
    assert store.offsets() == {("winnow.events", 0): 6, ("winnow.status", 3): 2**40}


def test_store_takes_writers_one_after_the_other(store: Store) -> None:
    """Eight writers at once lose nothing: positions are gap-free in order, every sum is right."""

    def write(start: int) -> None:
        for sequence in range(start, start + 5):
            store.write([_record(sequence), _record(sequence, _stats(("door", 10, 1)), camera=None, id_=_id(sequence))])

    def _id(sequence: int) -> str:
        return digest_of("stats", str(sequence))

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, 1 + 5 * n) for n in range(8)]:
            done.result()
    assert sorted(event.sequence for event in store.events(EventFilter(kinds=("line.crossed",)))) == list(range(1, 41))
    assert store.bandwidth() == Bandwidth(bytes_in=400, bytes_out=40)
    assert store.gaps(0) == []


@pytest.fixture
def reopened(tmp_path: Path) -> Callable[[], Store]:
    """Return a function that opens the same SQLite file again."""
    return lambda: open_store(f"sqlite:///{tmp_path}/kept.db")


def test_store_on_disk_is_there_after_reopening(reopened: Callable[[], Store]) -> None:
    """A closed store opens again with everything in it, twice at the same time too."""
    first = reopened()
    first.write([_record(1)], {("winnow.events", 0): 1})
    second = reopened()
    assert (len(second.events()), second.offsets()) == (1, {("winnow.events", 0): 1})
    first.close()
    second.close()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "nonsense", "sqlite:////nowhere/x/y.db"]
)
def test_store_address_that_cannot_be_used_is_refused(url: str) -> None:
    """An address that names no store is refused in one sentence."""
    with pytest.raises(StoreError) as refused:
        open_store(url)
    assert "\n" not in str(refused.value)


def test_store_that_is_not_there_is_not_created_by_a_reader(tmp_path: Path) -> None:
    """A reader with a mistyped path gets an error and leaves no file."""
    with pytest.raises(StoreError, match="no such file"):
        open_store(f"sqlite:///{tmp_path}/typo.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_store_file_is_private(tmp_path: Path) -> None:
    """Only its owner may read the database, which holds pictures of people."""
    open_store(f"sqlite:///{tmp_path}/events.db").close()
    assert (tmp_path / "events.db").stat().st_mode & 0o077 == 0

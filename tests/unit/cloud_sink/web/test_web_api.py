"""The page's JSON API, on SQLite."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.cloud_sink.web.visitor import Visitor
from winnow.cloud_sink.access import Accounts
from winnow.cloud_sink.store import DEFAULT_LATENESS_S, Store, open_store
from winnow.cloud_sink.testing import MemoryStore, crossing_event, thumbnail_of
from winnow.events import Event, Recorded, Thumbnail, new_event
from winnow.events.data import CameraStats, ModelRef, NodeStats
from winnow.events.jpeg import jpeg_size
from winnow.events.kafka import status_record, to_kafka
from winnow.events.status import CameraStatus, NodeStatus, encode_status
from winnow.events.thumbnail import sha256_of
from winnow.runtime.testing import ManualClock

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    """Return the clock of store and page: a little after the test events."""
    return ManualClock(NOON + timedelta(minutes=30))


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    """Return an empty SQLite store."""
    opened = open_store(f"sqlite:///{tmp_path}/events.db", clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, clock: ManualClock, accounts: Accounts) -> Visitor:
    """Return somebody who asks the store's page."""
    return Visitor(store, clock, accounts)


def real_thumbnail_of(event: Event, sequence: int) -> Thumbnail:
    """Return a thumbnail of `event` that can be decoded: a gradient of 40 x 30 pixels."""
    target = BytesIO()
    Image.linear_gradient("L").resize((40, 30)).convert("RGB").save(target, "JPEG", quality=80)
    jpeg = target.getvalue()
    return replace(thumbnail_of(event, sequence), jpeg=jpeg, sha256=sha256_of(jpeg))


def _write(store: Store, *sequences: int, camera: str = "door", label: str = "person") -> None:
    store.write([to_kafka(crossing_event(sequence, camera=camera, label=label)) for sequence in sequences])


def test_events_come_newest_first_with_their_data(client: Visitor, store: Store) -> None:
    """Each event shows its row, its data as it came, and the path of its picture."""
    first = crossing_event(1)
    picture = thumbnail_of(first, 2)
    store.write([to_kafka(first), to_kafka(picture), to_kafka(crossing_event(3))])
    newest, oldest = client.get("/api/events").json()["events"]
    assert newest["position"] > oldest["position"]
    assert newest["thumbnail"] is None
    assert oldest == {
        "position": oldest["position"],
        "id": first.id,
        "node": "north",
        "camera": "door",
        "kind": "line.crossed",
        "label": "person",
        "subject": "person/1",
        "time": "2026-05-01T12:00:01Z",
        "epoch": "e1",
        "sequence": 1,
        "recorded_at": "2026-05-01T12:00:01Z",
        "stored_at": "2026-05-01T12:30:00Z",
        "data": oldest["data"],
        "thumbnail": f"/thumbnails/{picture.sha256}.jpg",
    }
    assert (oldest["data"]["line"], oldest["data"]["direction"]) == ("door", "in")


def test_events_are_filtered_and_paged(client: Visitor, store: Store) -> None:
    """Filters, positions, order and limit work together."""
    _write(store, 1, 2, 3)
    _write(store, 4, 5, camera="gate", label="car")
    found = client.get("/api/events", params={"camera": "gate"}).json()["events"]
    assert [event["sequence"] for event in found] == [5, 4]
    oldest = client.get("/api/events", params={"order": "oldest", "limit": 2}).json()["events"]
    assert [event["sequence"] for event in oldest] == [1, 2]
    rest = client.get("/api/events", params={"order": "oldest", "after": oldest[-1]["position"]}).json()["events"]
    assert [event["sequence"] for event in rest] == [3, 4, 5]
    older = client.get("/api/events", params={"before": rest[0]["position"]}).json()["events"]
    assert [event["sequence"] for event in older] == [2, 1]
    since = client.get("/api/events", params={"since": "2026-05-01T12:00:05Z"}).json()["events"]
    assert [event["sequence"] for event in since] == [5]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/events?limit=0", "limit"),
        ("/api/events?limit=many", "limit"),
        ("/api/events?after=-1", "after"),
        ("/api/events?order=random", "order"),
        ("/api/events?camera=NO", "camera"),
        ("/api/counts?hours=0", "hours"),
        ("/api/counts?since=2026-05-01T12:00:00Z", "since"),
        ("/api/nodes?node=north", "node"),
        ("/api/stream?limit=9999", "limit"),
    ],
)
def test_wrong_parameter_is_named(client: Visitor, path: str, parameter: str) -> None:
    """A refusal is JSON, status 400, and names the parameter in its message too."""
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]["parameter"] == parameter
    assert answer.json()["error"]["message"].startswith(f"{parameter}: ")


def test_wrong_position_to_resume_from_is_refused(client: Visitor) -> None:
    """A stream resumes only from a position."""
    answer = client.get("/api/stream", headers={"Last-Event-ID": "newest"})
    assert (answer.status_code, answer.json()["error"]["parameter"]) == (400, "Last-Event-ID")


def test_counts_cover_the_last_hours(client: Visitor, store: Store) -> None:
    """The hours end with the running one; empty hours are left out."""
    _write(store, 1, 2)
    _write(store, 3, label="car")
    page = client.get("/api/counts", params={"hours": 3}).json()
    assert (page["since"], page["until"]) == ("2026-05-01T10:00:00Z", "2026-05-01T13:00:00Z")
    assert page["counts"] == [
        {"hour": "2026-05-01T12:00:00Z", "label": "car", "count": 1},
        {"hour": "2026-05-01T12:00:00Z", "label": "person", "count": 2},
    ]
    only_cars = client.get("/api/counts", params={"hours": 3, "label": "car"}).json()["counts"]
    assert [count["label"] for count in only_cars] == ["car"]


def test_counts_of_old_footage_end_with_its_newest_hour(client: Visitor, store: Store, clock: ManualClock) -> None:
    """Footage that keeps its own old time stamps has a chart too."""
    _write(store, 1)
    clock.advance(90 * 24 * 3600)
    page = client.get("/api/counts").json()
    assert (page["since"], page["until"]) == ("2026-04-30T13:00:00Z", "2026-05-01T13:00:00Z")
    assert [count["count"] for count in page["counts"]] == [1]


def test_nodes_and_cameras_show_their_state(client: Visitor, store: Store) -> None:
    """States come as the store has them."""
    node = NodeStatus(state="online", since=NOON, version="0.1.0")
    camera = CameraStatus(state="offline", since=NOON, reason="connection refused")
    store.write(
        [status_record("north", None, encode_status(node)), status_record("north", "door", encode_status(camera))]
    )
    assert client.get("/api/nodes").json()["nodes"] == [
        {
            "node": "north",
            "state": "online",
            "since": "2026-05-01T12:00:00Z",
            "version": "0.1.0",
            "last_event_at": None,
            "spool_depth": None,
            "certificate_ends_at": None,
        }
    ]
    assert client.get("/api/cameras").json()["cameras"] == [
        {
            "node": "north",
            "camera": "door",
            "state": "offline",
            "since": "2026-05-01T12:00:00Z",
            "reason": "connection refused",
            "last_event_at": None,
        }
    ]


def test_bandwidth_has_a_factor_once_something_was_sent(client: Visitor, store: Store) -> None:
    """Before the first statistics there is no factor; afterwards it is bytes in over bytes out."""
    assert client.get("/api/bandwidth").json() == {"bytes_in": 0, "bytes_out": 0, "factor": None}
    camera = CameraStats(
        camera="door",
        frames_decoded=60,
        frames_analysed=30,
        frames_dropped={},
        bytes_in=4000,
        bytes_out=40,
        latency_p50_ms=1,
        latency_p95_ms=2,
    )
    stats = NodeStats(
        period_s=60, cameras=[camera], spool_depth=0, spool_bytes=0, model=ModelRef(name="tiny", sha256="a" * 64)
    )
    event = new_event(id="0" * 32, node="north", camera=None, subject=None, time=NOON, data=stats)
    store.write([to_kafka(event.with_record(Recorded(epoch="e1", sequence=1, at=NOON)))])
    assert client.get("/api/bandwidth").json() == {"bytes_in": 4000, "bytes_out": 40, "factor": 100.0}


def test_gaps_name_the_missing_range(client: Visitor, store: Store, clock: ManualClock) -> None:
    """A hole is an alarm with its exact range once it is older than what may be late."""
    _write(store, 1, 4)
    assert client.get("/api/gaps").json() == {"complete": True, "gaps": []}
    clock.advance(61)
    page = client.get("/api/gaps").json()
    assert page["complete"] is False
    assert page["gaps"] == [
        {"node": "north", "epoch": "e1", "first": 2, "last": 3, "count": 2, "since": "2026-05-01T12:30:00Z"}
    ]


def test_what_a_backlog_may_hold_is_no_gap_and_not_all_is_well_either(
    store: Store, clock: ManualClock, accounts: Accounts
) -> None:
    """Until the sink has read what Kafka held when a hole was overdue, nobody says that it never arrived."""
    read_up_to: list[datetime | None] = [None]
    client = Visitor(store, clock, accounts, caught_up_at=lambda: read_up_to[0])
    _write(store, 1, 4)
    noticed_at = clock.now()
    clock.advance(3600)
    for read_up_to[0] in (None, noticed_at + timedelta(seconds=DEFAULT_LATENESS_S - 1)):
        assert client.get("/api/gaps").json() == {"complete": False, "gaps": []}
    read_up_to[0] = noticed_at + timedelta(seconds=DEFAULT_LATENESS_S)
    assert [gap["first"] for gap in client.get("/api/gaps").json()["gaps"]] == [2]


def test_newest_gap_comes_first(client: Visitor, store: Store, clock: ManualClock) -> None:
    """Old gaps that nobody can close do not stand before what has just happened."""
    _write(store, 1, 3)
    clock.advance(100)
    _write(store, 5)
    clock.advance(100)
    assert [gap["first"] for gap in client.get("/api/gaps").json()["gaps"]] == [4, 2]


def test_thumbnail_is_kept_by_browsers_and_never_sniffed(client: Visitor, store: Store) -> None:
    """A picture's name depends on its content, so it may be kept for ever."""
    event = crossing_event(1)
    picture = real_thumbnail_of(event, 2)
    store.write([to_kafka(event), to_kafka(picture)])
    answer = client.get(f"/thumbnails/{picture.sha256}.jpg")
    assert jpeg_size(answer.content) == jpeg_size(picture.jpeg)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]


def test_thumbnail_is_pixels_and_nothing_else(client: Visitor, store: Store) -> None:
    """What a node hid beside the pixels, in comments or behind the end, does not reach a browser."""
    event = crossing_event(1)
    clean = real_thumbnail_of(event, 2)
    comment = b"<script>alert(1)</script>"
    marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    jpeg = clean.jpeg[:2] + marker + clean.jpeg[2:] + b"PK\x03\x04 another file\xff\xd9"
    picture = replace(clean, jpeg=jpeg, sha256=sha256_of(jpeg))
    store.write([to_kafka(event), to_kafka(picture)])
    answer = client.get(f"/thumbnails/{picture.sha256}.jpg")
    assert answer.status_code == 200
    assert b"script" in jpeg
    assert b"script" not in answer.content
    assert b"another file" not in answer.content
    shown = Image.open(BytesIO(answer.content)).convert("RGB")
    sent = Image.open(BytesIO(clean.jpeg)).convert("RGB")
    assert shown.size == sent.size
    furthest = max(abs(one - other) for one, other in zip(shown.tobytes(), sent.tobytes(), strict=True))
    assert furthest <= 12, "the pixels are as they were, near enough"


def test_thumbnail_that_is_no_picture_is_not_found(client: Visitor, store: Store) -> None:
    """A header that says JPEG is not enough."""
    event = crossing_event(1)
    picture = thumbnail_of(event, 2)
    store.write([to_kafka(event), to_kafka(picture)])
    answer = client.get(f"/thumbnails/{picture.sha256}.jpg")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "the picture cannot be decoded")


@pytest.mark.parametrize("name", ["0" * 64, "0" * 63, "..%2f..%2fsecret", "A" * 64, "%00"])
def test_unknown_thumbnail_is_not_found(client: Visitor, name: str) -> None:
    """A picture that is not there is a 404, and no name reaches outside the store."""
    assert client.get(f"/thumbnails/{name}.jpg").status_code == 404


@pytest.mark.parametrize("path", ["/", "/api/events", "/api/nothing", "/static/app.js", "/api/events?limit=0"])
def test_every_answer_carries_the_security_headers(client: Visitor, path: str) -> None:
    """Answers of every kind, errors too, forbid foreign scripts, frames and sniffing."""
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.7:8080", ""])
def test_foreign_host_name_is_refused(client: Visitor, host: str) -> None:
    """A foreign page that has its name resolve to this machine reads nothing."""
    assert client.get("/api/events", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_own_host_names_are_answered(client: Visitor, host: str) -> None:
    """Every name of loopback works, with any port."""
    assert client.get("/api/events", headers={"Host": host}).status_code == 200


def test_missing_page_is_json_too(client: Visitor) -> None:
    """Programs get an error they can read."""
    answer = client.get("/api/nothing")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "Not Found")


def test_writing_methods_are_refused(client: Visitor) -> None:
    """The page only reads."""
    assert {client.request(method, "/api/events").status_code for method in ("POST", "PUT", "DELETE")} == {405}


def test_store_that_is_down_is_a_503(clock: ManualClock, accounts: Accounts) -> None:
    """While the database does not answer, neither does the API, and it says when to come back."""
    store = MemoryStore(clock)
    client = Visitor(store, clock, accounts)
    store.failures = 1
    answer = client.get("/api/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert client.get("/api/events").status_code == 200

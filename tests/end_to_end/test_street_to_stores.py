"""Real footage from `winnow replay` to the databases, every process started by its command."""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.end_to_end.contents import Contents, read_contents
from tests.end_to_end.footage import Footage, replay, street, told_of_cameras
from tests.end_to_end.installation import Installation, kafka_installation, single_machine
from tests.end_to_end.processes import eventually
from winnow.cloud_sink.store import Store, open_store

pytestmark = [pytest.mark.broker, pytest.mark.timeout(240)]

logger = logging.getLogger(__name__)

ARRIVES_WITHIN_S = 20.0
LEAST_FACTOR = 10
"""Bytes of the clip per byte sent: 21 was measured, and the clip is short and busy."""


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Footage:
    """Return the clip's events as `winnow replay --json` prints them."""
    return street(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="module")
def sent_over_kafka(footage: Footage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return the path over Kafka after the clip was sent through it."""
    with kafka_installation(tmp_path_factory.mktemp("with-kafka")) as installation:
        send(footage, installation)
        yield installation


@pytest.fixture(scope="module")
def sent_to_one_machine(footage: Footage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Return the path without Kafka after the clip was sent through it."""
    footage.config.with_name("spool.sqlite").unlink(missing_ok=True)
    with single_machine(tmp_path_factory.mktemp("single-machine")) as installation:
        send(footage, installation)
        yield installation


@pytest.fixture(params=["kafka-postgresql", "kafka-sqlite", "direct-sqlite"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Return the URL of each store that the clip was sent to."""
    way, _, name = request.param.partition("-")
    installation = request.getfixturevalue("sent_over_kafka" if way == "kafka" else "sent_to_one_machine")
    assert isinstance(installation, Installation)
    return installation.stores[name]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Return an open store."""
    with closing(open_store(store_url, create=False)) as opened:
        yield opened


def test_clip_has_people_who_start_cross_and_end(footage: Footage) -> None:
    """The comparison below is about something: dozens of objects, crossings, zone visits and thumbnails."""
    kinds = Counter(event.kind for event in footage.events)

    assert kinds["object.started"] >= 10
    assert kinds["object.started"] == kinds["object.ended"]
    assert kinds["line.crossed"] >= 1
    assert kinds["zone.entered"] >= 1
    assert len(footage.thumbnails) >= 10


def test_store_holds_exactly_the_events_of_the_replay(footage: Footage, store_url: str) -> None:
    """Ids, sources, kinds and data are those that `winnow replay --json` prints: none more, none less, none twice."""
    assert sorted(told_of_cameras(contents_of(footage, store_url))) == sorted(footage.events)


def test_thumbnails_are_beside_their_events_unchanged(footage: Footage, store_url: str, store: Store) -> None:
    """Each event that the replay has a picture of leads to that very picture, by its sha256."""
    led_to = {
        event.id: store.thumbnail(event.thumbnail_id) for event in store.events(limit=10_000) if event.thumbnail_id
    }
    rows = [row for row in contents_of(footage, store_url).rows if row.kind == "thumbnail.captured"]

    assert led_to == footage.thumbnails
    assert {row.event_id: row.sha256 for row in rows} == {
        event_id: hashlib.sha256(jpeg).hexdigest() for event_id, jpeg in footage.thumbnails.items()
    }


def test_sequences_have_no_gap_and_nothing_was_refused(footage: Footage, store_url: str, store: Store) -> None:
    """Events, thumbnails and statistics together are 1, 2, 3, … of one epoch; no dead letter, no gap in the audit."""
    contents = contents_of(footage, store_url)

    assert len({row.epoch for row in contents.rows}) == 1
    assert sorted(row.sequence for row in contents.rows) == list(range(1, len(contents.rows) + 1))
    assert contents.refused == ()
    assert store.gaps(0.0) == []


def test_store_knows_the_bytes_that_were_saved(footage: Footage, store: Store) -> None:
    """The clip was read in whole, and far fewer bytes of events and thumbnails were sent."""
    bandwidth = store.bandwidth()

    assert 0.95 * footage.size_bytes <= bandwidth.bytes_in <= footage.size_bytes
    assert bandwidth.bytes_out >= sum(map(len, footage.thumbnails.values()))
    assert bandwidth.bytes_in / bandwidth.bytes_out >= LEAST_FACTOR


def send(footage: Footage, installation: Installation) -> None:
    """Send the clip to the broker; return once every store has all that the edge had receipts for."""
    began_s = time.monotonic()
    replay(footage.video, "-c", footage.config, "--mqtt", installation.mqtt_url)
    sent_s = time.monotonic() - began_s
    expected = len(footage.events) + len(footage.thumbnails)
    eventually(
        lambda: all(len(contents_of(footage, url).rows) > expected for url in installation.stores.values()),
        ARRIVES_WITHIN_S,
        lambda: f"a store holds too little: {installation.logs}",
    )
    logger.info("sent %d messages in %.1f s, stored after %.1f s", expected, sent_s, time.monotonic() - began_s)


def contents_of(footage: Footage, url: str) -> Contents:
    """Return what a store holds of the clip's node."""
    return read_contents(url, footage.node)

"""Real people on a real street, through the real detector."""

import json
from collections import Counter
from pathlib import Path
from threading import Event as Flag

import pytest

from tests.golden.drawn_clips import SAMPLES
from winnow.detectors.catalogue import open_detector
from winnow.events import Event, Thumbnail, encode_event
from winnow.events.jpeg import jpeg_size
from winnow.pipeline.camera import Camera, CameraPlan
from winnow.pipeline.event_maker import Message
from winnow.pipeline.footage import recording_digest
from winnow.pipeline.pace import Pace
from winnow.pipeline.settings import EdgeSettings
from winnow.pipeline.sources import open_source
from winnow.runtime.settings import load_settings
from winnow.runtime.testing import ManualClock


def _replayed() -> tuple[list[Message], Camera]:
    settings = load_settings(SAMPLES / "street.edge.yaml", EdgeSettings).cameras["street"]
    path, clock = Path(settings.source), ManualClock()
    messages: list[Message] = []
    camera = Camera(
        CameraPlan(node="golden", name="street", settings=settings, footage=recording_digest(path)),
        source=open_source(str(path), clock=clock),
        detector=open_detector(settings_model()),
        accept=messages.extend,
        clock=clock,
        pace=Pace(None),
    )
    camera.run(Flag())
    return messages, camera


def settings_model() -> str:
    """Return the model that the sample's settings name."""
    return load_settings(SAMPLES / "street.edge.yaml", EdgeSettings).model


@pytest.fixture(scope="module")
def street() -> tuple[list[Message], Camera]:
    """Replay the street once for all tests here."""
    return _replayed()


def _of_kind(messages: list[Message], kind: str) -> list[Event]:
    return [one for one in messages if isinstance(one, Event) and one.kind == kind]


def test_two_replays_are_the_same(street: tuple[list[Message], Camera]) -> None:
    """Every event and thumbnail comes again, byte for byte."""
    assert _replayed()[0] == street[0]


def test_people_become_objects_that_end(street: tuple[list[Message], Camera]) -> None:
    """About two dozen people walk by; each started object ends once.

    The bounds leave room for another processor's rounding, which can split or join a track.
    """
    started, ended = (_of_kind(street[0], kind) for kind in ("object.started", "object.ended"))
    assert 15 <= len(started) <= 35
    assert {one.subject for one in started} == {one.subject for one in ended}
    assert len(ended) == len(started)
    people = [one for one in started if (one.subject or "").startswith("person/")]
    assert len(people) >= 0.8 * len(started)


def test_line_and_zone_are_used(street: tuple[list[Message], Camera]) -> None:
    """People cross the footpath's line both ways, and nobody leaves the junction who has not come into it.

    Whoever comes out from behind somebody under the other's number leaves under it: one pair of numbers at most.
    """
    directions = {json.loads(one.data_json)["direction"] for one in _of_kind(street[0], "line.crossed")}
    assert directions == {"in", "out"}
    inside: Counter[str | None] = Counter()
    for one in street[0]:
        if isinstance(one, Event) and one.kind in {"zone.entered", "zone.exited"}:
            inside[one.subject] += 1 if one.kind == "zone.entered" else -1
            assert inside[one.subject] <= 1
            assert inside.total() >= 0
    assert sorted(count for count in inside.values() if count) in ([], [-1, 1])


def test_parked_van_is_no_news(street: tuple[list[Message], Camera]) -> None:
    """What never moves starts no event of its own."""
    assert not [one for one in _of_kind(street[0], "object.started") if (one.subject or "").startswith("truck/")]


def test_thumbnails_are_small_and_belong_to_objects(street: tuple[list[Message], Camera]) -> None:
    """Each is a JPEG of at most 8 KiB and 320 pixels, and names a start or an end."""
    owners = {one.id for kind in ("object.started", "object.ended") for one in _of_kind(street[0], kind)}
    thumbnails = [one for one in street[0] if isinstance(one, Thumbnail)]
    assert thumbnails
    for one in thumbnails:
        assert one.event_id in owners
        assert len(one.jpeg) <= 8 * 1024
        assert max(jpeg_size(one.jpeg)) <= 320


def test_far_less_is_sent_than_read(street: tuple[list[Message], Camera]) -> None:
    """A busy street at 0.5 Mbit/s already shrinks more than tenfold."""
    messages, camera = street
    sent = sum(len(one.jpeg) if isinstance(one, Thumbnail) else len(encode_event(one)) for one in messages)
    assert sent == camera.tally.bytes_out
    assert sent * 10 < camera.source.stats.bytes_read


def test_no_two_messages_share_an_id(street: tuple[list[Message], Camera]) -> None:
    """Ids are unique within a stream."""
    ids = [one.id for one in street[0]]
    assert len(set(ids)) == len(ids)

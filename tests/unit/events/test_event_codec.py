"""The contract's codec, at its borders."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.events import ContractError, Event, Recorded, decode_event, encode_event, new_event
from winnow.events.data import DATA_TYPES, LineCrossed, ModelRef, NodeStats
from winnow.events.limits import MAX_EVENT_BYTES

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MODEL = ModelRef(name="nanodet-g", sha256="a" * 64)


def _crossing(*, label: str = "person") -> Event:
    data = LineCrossed(
        label=label,
        track=7,
        score=0.75,
        box=(0.1, 0.2, 0.3, 0.4),
        frame=(768, 576),
        model=MODEL,
        clock="file",
        line="door",
        direction="in",
    )
    return new_event(id="0" * 32, node="shop-1", camera="door", subject=f"{label}/7", time=NOON, data=data)


def _recorded_crossing() -> Event:
    return _crossing().with_record(Recorded(epoch="e1", sequence=41, at=NOON))


def _changed(**attributes: object) -> bytes:
    return json.dumps(json.loads(encode_event(_recorded_crossing())) | attributes).encode()


def _changed_data(**fields: object) -> bytes:
    event = json.loads(encode_event(_recorded_crossing()))
    return json.dumps(event | {"data": event["data"] | fields}).encode()


def test_encoded_event_is_a_cloudevent() -> None:
    """The JSON carries the CloudEvents attributes under their standard names."""
    attributes = json.loads(encode_event(_recorded_crossing()))
    assert attributes["specversion"] == "1.0"
    assert attributes["type"] == "winnow.line.crossed.v1"
    assert attributes["source"] == "/nodes/shop-1/cameras/door"
    assert attributes["subject"] == "person/7"
    assert attributes["time"] == "2026-05-01T12:00:00Z"
    assert (attributes["epoch"], attributes["sequence"]) == ("e1", 41)


@pytest.mark.parametrize("event", [_crossing(), _recorded_crossing()], ids=["fresh", "recorded"])
def test_decoding_gives_back_what_was_encoded(event: Event) -> None:
    """An event survives the way through JSON unchanged, with and without the spool's attributes."""
    assert decode_event(encode_event(event)) == event


def test_event_that_no_spool_accepted_has_no_sequence() -> None:
    """What is not known yet is absent, not null."""
    assert not {"sequence", "epoch", "recordedtime"} & json.loads(encode_event(_crossing())).keys()


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not a CloudEvent"),
        (b"\xff\xfe", "not a CloudEvent"),
        (b"[" * 100_000, "allowed"),
        (b"[" * 10_000, "not a CloudEvent"),
        (_changed(specversion="0.3"), "specversion"),
        (_changed(id="../../etc/passwd"), "id"),
        (_changed(source="/nodes/UPPER/cameras/c"), "source"),
        (_changed(source="/nodes/n/cameras/c/extra"), "source"),
        (_changed(type="winnow.teapot.boiled.v1"), "teapot"),
        (_changed(type="winnow.line.crossed.v2"), "winnow.KIND.v1"),
        (_changed(time="yesterday"), "time"),
        (_changed(time="2026-05-01T12:00:00"), "time"),
        (_changed(sequence=0), "sequence"),
        (_changed(sequence=2**31), "sequence"),
        (_changed(sequence="41"), "sequence"),
        (_changed(epoch=None), "belong together"),
        (_changed(surprise=1), "surprise"),
        (_changed(subject="person\n7"), "subject"),
        (_changed(subject="person/7\n"), "subject"),
        (_changed(epoch="e1\n"), "epoch"),
        (_changed(id="0" * 32 + "\n"), "id"),
        (_changed(time="0001-01-01T00:00:00+14:00"), "years"),
        (_changed(recordedtime="9999-12-31T23:59:59-14:00"), "years"),
        (_changed_data(line="door\n"), "line"),
        (_changed_data(label="person\n"), "label"),
        (_changed_data(box=[0.1, 0.2, 0.3]), "box"),
        (_changed_data(box=[0.1, 0.2, 0.3, 1.5]), "box"),
        (_changed_data(score=-0.1), "score"),
        (_changed_data(direction="up"), "direction"),
        (_changed_data(label="\x1b[31mred"), "label"),
        (_changed_data(label="x" * 65), "label"),
        (_changed_data(frame=[0, 576]), "frame"),
        (encode_event(_recorded_crossing()).replace(b"0.75", b"NaN"), "not a CloudEvent"),
        (encode_event(_recorded_crossing()).replace(b"0.75", b"1e999"), "range"),
    ],
)
def test_malformed_event_is_refused_by_name(payload: bytes, said: str) -> None:
    """Whatever breaks the contract raises ContractError, and the message names the culprit."""
    with pytest.raises(ContractError, match=said) as raised:
        decode_event(payload)
    assert raised.value.reason in {"schema", "size"}


def test_oversize_event_is_refused_before_it_is_parsed() -> None:
    """Size is the first check."""
    with pytest.raises(ContractError, match="are allowed") as raised:
        decode_event(b"x" * (MAX_EVENT_BYTES + 1))
    assert raised.value.reason == "size"


def test_field_of_a_newer_edge_is_kept() -> None:
    """Fields may be added: an older reader passes on bytes that it does not understand."""
    event = decode_event(_changed_data(mood="cheerful"))
    assert b"cheerful" in event.data_json
    assert b"cheerful" in encode_event(event)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_contract_errors(payload: bytes) -> None:
    """Hostile input ends in ContractError."""
    with pytest.raises(ContractError):
        decode_event(payload)


@pytest.mark.parametrize("kind", sorted(DATA_TYPES))
def test_every_kind_names_its_data(kind: str) -> None:
    """Empty data is refused for every kind, and the message names the kind."""
    with pytest.raises(ContractError, match=kind):
        decode_event(_changed(type=f"winnow.{kind}.v1", data={}))


def test_node_event_has_no_camera() -> None:
    """An event of the node itself has the node as its source."""
    stats = NodeStats(period_s=60, cameras=[], spool_depth=0, spool_bytes=0, model=MODEL)
    event = new_event(id="1" * 32, node="shop-1", camera=None, subject=None, time=NOON, data=stats)
    assert event.source == "/nodes/shop-1"
    assert decode_event(encode_event(event)) == event
    assert msgspec.json.decode(event.data_json)["cameras"] == []


def test_moment_inside_the_data_is_checked_too() -> None:
    """A time that no clock shows is refused wherever it stands."""
    offline = {"reason": "gone", "since": "0001-01-01T00:00:00+14:00"}
    with pytest.raises(ContractError, match="years"):
        decode_event(_changed(type="winnow.camera.offline.v1", data=offline))

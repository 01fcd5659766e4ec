"""What a gateway makes of a message: a record, a state, or a dead letter with its position."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.cloud_sink.testing import crossing_event, thumbnail_of
from winnow.events import Event, Recorded, new_event
from winnow.events.batch import BatchPacker, BatchReader
from winnow.events.data import CameraOnline
from winnow.events.judging import MAX_DEADLETTER_BYTES, Verdict, judge, judge_all, judge_whole, records_in
from winnow.events.kafka import batch_record, from_kafka, to_kafka
from winnow.events.limits import MAX_EVENT_BYTES
from winnow.events.mqtt import MqttMessage, from_mqtt, to_mqtt
from winnow.events.status import CameraStatus, encode_status
from winnow.events.topics import KAFKA_DEADLETTER, KAFKA_EVENTS, KAFKA_STATUS, camera_status_topic

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def _event(sequence: int = 7) -> Event:
    event = new_event(
        id="0" * 32,
        node="gate",
        camera="door",
        subject=None,
        time=NOON,
        data=CameraOnline(frame=(640, 480), clock="wall"),
    )
    return event.with_record(Recorded(epoch="e1", sequence=sequence, at=NOON))


def _judge(message: MqttMessage) -> Verdict:
    return judge(message.topic, message.payload, message.user_properties)


def test_event_becomes_its_record_and_is_receipted_by_its_position() -> None:
    """The record holds the very event, under the key of its camera; the receipt goes to the topic's node."""
    verdict = _judge(to_mqtt(_event()))
    assert verdict.refused is None
    assert (verdict.node, verdict.position) == ("gate", ("e1", 7))
    assert (verdict.record.topic, verdict.record.key) == (KAFKA_EVENTS, b"gate/door")
    assert from_kafka(verdict.record.value, verdict.record.headers) == _event()


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (lambda good: replace(good, payload=b"{"), "schema"),
        (lambda good: replace(good, payload=b"\xff\xfe"), "schema"),
        (lambda good: replace(good, payload=good.payload + b" " * MAX_EVENT_BYTES), "size"),
        (lambda good: replace(good, topic="winnow/v1/other/events/door"), "identity"),
        (lambda good: replace(good, topic="winnow/v1/gate/events/back"), "identity"),
        (lambda good: replace(good, topic="winnow/v1/gate/events/a/b"), "topic"),
        (lambda good: replace(good, topic="winnow/v1/gate/thumbnails/door"), "schema"),
    ],
)
def test_refused_message_is_kept_as_it_came_with_reason_and_position(
    changed: Callable[[MqttMessage], MqttMessage], reason: str
) -> None:
    """A dead letter has the original bytes and topic, a reason, and where it stood, so that it is receipted too."""
    message = changed(to_mqtt(_event()))
    verdict = _judge(message)
    headers = dict(verdict.record.headers)
    assert verdict.refused == reason
    assert (verdict.record.topic, verdict.record.key) == (KAFKA_DEADLETTER, message.topic.encode())
    assert verdict.record.value == message.payload
    assert headers["reason"].decode().startswith(f"{reason}: ")
    assert (headers["epoch"], headers["sequence"]) == (b"e1", b"7")
    assert verdict.position == ("e1", 7)


def test_node_that_only_the_topic_names_hears_of_a_mismatch() -> None:
    """The receipt of an identity mismatch goes to the node whose topic it was, never to the one that it claims."""
    verdict = _judge(replace(to_mqtt(_event()), topic="winnow/v1/thief/events/door"))
    assert verdict.node == "thief"


def test_topic_without_a_node_has_nobody_to_send_a_receipt_to() -> None:
    """A topic that is not a node's becomes a dead letter without a receipt."""
    verdict = _judge(replace(to_mqtt(_event()), topic="winnow/v1/Not A Node/events/door"))
    assert verdict.refused == "topic"
    assert verdict.node is None


def test_huge_payload_is_cut_and_says_so() -> None:
    """A dead letter always fits into Kafka; its reason tells how long the payload was."""
    verdict = _judge(replace(to_mqtt(_event()), payload=b"x" * (MAX_DEADLETTER_BYTES + 5)))
    assert len(verdict.record.value) == MAX_DEADLETTER_BYTES
    assert dict(verdict.record.headers)["reason"].endswith(f"cut from {MAX_DEADLETTER_BYTES + 5} bytes".encode())


def test_refused_message_without_user_properties_has_no_position() -> None:
    """Without epoch and sequence nothing can be receipted."""
    assert judge("winnow/v1/gate/events/door", b"{", ()).position is None


def test_state_replaces_the_last_one_and_asks_for_no_receipt() -> None:
    """A camera's state goes under its key into the compacted topic."""
    payload = encode_status(CameraStatus(state="online", since=NOON))
    verdict = judge(camera_status_topic("gate", "door"), payload, ())
    assert (verdict.record.topic, verdict.record.key, verdict.record.value) == (KAFKA_STATUS, b"gate/door", payload)
    assert (verdict.refused, verdict.position) == (None, None)


def test_empty_state_clears_the_last_one() -> None:
    """An empty retained message means that the camera is gone for good."""
    verdict = judge(camera_status_topic("gate", "door"), b"", ())
    assert (verdict.record.topic, verdict.record.value, verdict.refused) == (KAFKA_STATUS, b"", None)


def test_wrong_state_is_a_dead_letter() -> None:
    """A state that says nothing known does not reach the state topic."""
    verdict = judge(camera_status_topic("gate", "door"), b'{"state": "sleepy"}', ())
    assert (verdict.record.topic, verdict.refused) == (KAFKA_DEADLETTER, "schema")


@given(topic=st.text(max_size=80), payload=st.binary(max_size=300), names=st.lists(st.tuples(st.text(), st.text())))
def test_no_message_raises(topic: str, payload: bytes, names: list[tuple[str, str]]) -> None:
    """Whatever comes, there is a verdict with a record."""
    assert judge(f"winnow/v1/{topic}", payload, names).record.value == payload


def _batch(*messages: MqttMessage) -> list[Verdict]:
    batch = BatchPacker().pack("gate", messages).message
    return judge_all(batch.topic, batch.payload, batch.user_properties, BatchReader())


def test_each_message_of_a_batch_is_judged_as_if_it_had_come_alone() -> None:
    """Good ones become the same records; a bad one becomes a dead letter with its own position, and spoils no other."""
    good, other = to_mqtt(_event(1)), to_mqtt(_event(3))
    bad = replace(to_mqtt(_event(2)), payload=to_mqtt(_event(2)).payload.replace(b"640", b"-64"))
    verdicts = _batch(good, bad, other)
    assert [verdict.refused for verdict in verdicts] == [None, "schema", None]
    assert [verdict.position for verdict in verdicts] == [("e1", 1), ("e1", 2), ("e1", 3)]
    assert [verdicts[0], verdicts[2]] == [_judge(good), _judge(other)]
    assert verdicts[1].record.topic == KAFKA_DEADLETTER


def test_batch_that_cannot_be_read_is_a_dead_letter_without_a_receipt() -> None:
    """Its messages come again, each alone: nobody may claim that they are stored."""
    batch = BatchPacker().pack("gate", [to_mqtt(_event())]).message
    (verdict,) = judge_all(batch.topic, batch.payload[:-1], (("epoch", "e1"), ("sequence", "7")), BatchReader())
    assert (verdict.refused, verdict.position, verdict.node) == ("schema", None, "gate")
    assert verdict.record.value == batch.payload[:-1]


def _packed(*messages: MqttMessage) -> MqttMessage:
    return BatchPacker().pack("gate", messages).message


def test_batch_kept_whole_is_one_record_that_holds_what_opening_it_gives() -> None:
    """Good events, a thumbnail and dead letters: byte for byte the records of a batch that the gateway opens."""
    crossing = crossing_event(4, node="gate")
    bad = replace(to_mqtt(_event(2)), payload=to_mqtt(_event(2)).payload.replace(b"640", b"-64"))
    foreign = replace(to_mqtt(_event(3)), payload=to_mqtt(_event(3)).payload.replace(b"/nodes/gate", b"/nodes/yard"))
    batch = _packed(to_mqtt(_event(1)), bad, foreign, to_mqtt(crossing), to_mqtt(thumbnail_of(crossing, 5)))
    reader = BatchReader()
    (whole,) = judge_whole(batch.topic, batch.payload, (), reader)
    assert (whole.node, whole.position, whole.batch) == ("gate", None, ("e1", (1, 2, 3, 4, 5)))
    assert (whole.record.value, whole.record.key, whole.refused) == (batch.payload, b"gate", None)
    opened = judge_all(batch.topic, batch.payload, (), reader)
    assert [verdict.refused for verdict in opened] == [None, "schema", "identity", None, None]
    assert records_in(whole.record, reader) == [verdict.record for verdict in opened]
    assert [records_in(verdict.record, reader) for verdict in opened] == [[verdict.record] for verdict in opened]


def _changed(message: MqttMessage, before: bytes, after: bytes) -> MqttMessage:
    assert before in message.payload
    return replace(message, payload=message.payload.replace(before, after))


_FIRST, _SECOND = to_mqtt(_event(1)), to_mqtt(_event(2))
_WITH_IMAGE = _packed(to_mqtt(thumbnail_of(crossing_event(4, node="gate"), 5)))


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(_packed(), id="empty"),
        pytest.param(_packed(_FIRST, _changed(_SECOND, b',"sequence":2', b"")), id="no sequence"),
        pytest.param(_packed(_FIRST, _changed(_SECOND, b',"epoch":"e1"', b"")), id="no epoch"),
        pytest.param(_packed(_FIRST, _changed(_SECOND, b"e1", b"e2")), id="two epochs"),
        pytest.param(_packed(_changed(_FIRST, b"e1", b"E/1")), id="epoch out of range"),
        pytest.param(replace(_WITH_IMAGE, payload=_WITH_IMAGE.payload[:-1]), id="image cut"),
        pytest.param(replace(_WITH_IMAGE, payload=_WITH_IMAGE.payload + b"x"), id="bytes left over"),
        pytest.param(replace(_WITH_IMAGE, payload=b"no batch"), id="garbage"),
        pytest.param(_FIRST, id="no batch at all"),
    ],
)
def test_batch_that_does_not_tell_all_its_places_is_never_kept_whole(batch: MqttMessage) -> None:
    """A receipt names what is stored and nothing else, so such a batch is judged message by message."""
    reader = BatchReader()
    verdicts = judge_whole(batch.topic, batch.payload, batch.user_properties, reader)
    assert [verdict.batch for verdict in verdicts] == [None] * len(verdicts)
    assert verdicts == judge_all(batch.topic, batch.payload, batch.user_properties, reader)


@given(st.binary(max_size=200))
def test_record_that_claims_to_be_a_batch_and_is_none_is_a_dead_letter(garbage: bytes) -> None:
    """Whoever opens what lies in Kafka gets records, whatever lies there."""
    (record,) = records_in(batch_record("gate", garbage), BatchReader())
    assert (record.topic, record.value) == (KAFKA_DEADLETTER, garbage)


@pytest.mark.parametrize("traceparent", [None, f"00-{'a' * 32}-{'b' * 16}-01"])
@pytest.mark.parametrize("event", [_event(), crossing_event(3), crossing_event(4, node="gate", camera="yard")])
def test_short_way_to_a_record_leads_to_the_same_record(event: Event, traceparent: str | None) -> None:
    """A gateway's record is byte for byte what the event makes when it is read as a value and written again."""
    sent = replace(event, traceparent=traceparent)
    message = to_mqtt(sent)
    record = judge(message.topic, message.payload, message.user_properties).record
    assert record == to_kafka(from_mqtt(message.topic, message.payload, message.user_properties))

"""The event: CloudEvents 1.0 attributes around one kind's data, as Python value and as JSON."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from winnow.events.data import DATA_TYPES, KIND_OF, EventData, Moment
from winnow.events.errors import ContractError
from winnow.events.limits import MAX_EVENT_BYTES, MAX_SEQUENCE
from winnow.events.names import parse_source, source_of

TYPE_PREFIX: Final = "winnow."
TYPE_SUFFIX: Final = ".v1"
_FIRST_YEAR: Final = 1969
"""With a zone, the first hours of 1970 in UTC can still be 1969."""
_LAST_YEAR: Final = 2199

EventId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
Epoch = Annotated[str, Meta(pattern=r"^[0-9a-z-]{1,40}$(?!\n)")]
Sequence = Annotated[int, Meta(ge=1, le=MAX_SEQUENCE)]
Subject = Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")]
TraceParent = Annotated[str, Meta(pattern=r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$(?!\n)")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the spool adds when it accepts an event.

    Attributes:
        epoch: names one life of a node's spool; a lost or recreated spool has a new one.
        sequence: 1, 2, 3, … without a gap within the epoch, over events and thumbnails of the whole node.
        at: wall time, aware, UTC.
    """

    epoch: str
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened in front of a camera, or to one, or to its node.

    Attributes:
        id: 32 hex digits, see `identity.event_id`.
        node: the edge box.
        camera: None for an event of the node itself.
        subject: `{label}/{track}` for an object.
        time: when it happened in the scene; aware, UTC.
        data: what happened; its class decides the kind.
        data_json: `data` as it is on the wire. A received event keeps the bytes it came with, and so the fields
            that a newer edge may have added.
        recorded: None until a spool accepted the event.
        traceparent: W3C trace context, if the event is part of a trace.
    """

    id: str
    node: str
    camera: str | None
    subject: str | None
    time: datetime
    data: EventData
    data_json: bytes
    recorded: Recorded | None = None
    traceparent: str | None = None

    @property
    def kind(self) -> str:
        """Return e.g. `line.crossed`."""
        return KIND_OF[type(self.data)]

    @property
    def type(self) -> str:
        """Return the CloudEvents type, e.g. `winnow.line.crossed.v1`."""
        return type_of(self.kind)

    @property
    def source(self) -> str:
        """Return the CloudEvents source."""
        return source_of(self.node, self.camera)

    def with_record(self, recorded: Recorded) -> "Event":
        """Return this event as the spool accepted it."""
        return replace(self, recorded=recorded)


def new_event(  # noqa: PLR0913 - one argument an attribute
    *,
    id: str,  # noqa: A002 - CloudEvents calls it so
    node: str,
    camera: str | None,
    subject: str | None,
    time: datetime,
    data: EventData,
) -> Event:
    """Return an event that has just happened; no spool has accepted it yet."""
    data_json = msgspec.json.encode(data)
    return Event(id=id, node=node, camera=camera, subject=subject, time=time, data=data, data_json=data_json)


def type_of(kind: str) -> str:
    """Return the CloudEvents type of a kind."""
    return f"{TYPE_PREFIX}{kind}{TYPE_SUFFIX}"


@lru_cache(maxsize=256)
def kind_of_type(event_type: str) -> str:
    """Return the kind of a CloudEvents type.

    Raises:
        ContractError: it is none of ours.
    """
    kind = event_type.removeprefix(TYPE_PREFIX).removesuffix(TYPE_SUFFIX)
    if type_of(kind) != event_type:
        raise ContractError("schema", f"type {event_type[:80]!r} is not winnow.KIND.v1")
    return kind


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The JSON form of an event, `data` left as it is."""

    specversion: Literal["1.0"]
    id: EventId
    source: Annotated[str, Meta(max_length=120)]
    type: Annotated[str, Meta(max_length=80)]
    time: Moment
    subject: Subject | None = None
    datacontenttype: Literal["application/json"]
    recordedtime: Moment | None = None
    epoch: Epoch | None = None
    sequence: Sequence | None = None
    traceparent: TraceParent | None = None
    data: Raw


def encode_event(event: Event) -> bytes:
    """Return the event as one line of CloudEvents JSON (structured mode)."""
    recorded = event.recorded
    return msgspec.json.encode(
        Envelope(
            specversion="1.0",
            id=event.id,
            source=event.source,
            type=event.type,
            time=event.time,
            subject=event.subject,
            datacontenttype="application/json",
            recordedtime=recorded.at if recorded else None,
            epoch=recorded.epoch if recorded else None,
            sequence=recorded.sequence if recorded else None,
            traceparent=event.traceparent,
            data=Raw(event.data_json),
        )
    )


_ENVELOPE_DECODER: Final = msgspec.json.Decoder(Envelope)
_DECODE_ANY: Final = msgspec.json.Decoder().decode
_ENCODE: Final = msgspec.json.Encoder().encode


def decode_event(payload: bytes) -> Event:
    """Return the event that `payload` holds, every attribute and field checked.

    Raises:
        ContractError: too large, not JSON, an unknown type, or a field that is missing or out of range.
    """
    envelope = decode_envelope(payload)
    event = event_of(envelope)
    check_keys(payload, envelope, event.data)
    return event


def check_keys(payload: bytes, envelope: Envelope, data: EventData) -> None:
    """Return if no object in the payload names a key twice: two readers could take two different values for it.

    What an edge encodes is recognised by encoding it again, which costs a tenth of `json` with a look at every object.

    Raises:
        ContractError: a key is there twice.
    """
    if _ENCODE(envelope) == payload and is_as_encoded(envelope.data, data):
        return
    check_keys_of_text(payload)


def is_as_encoded(data_json: bytes | Raw, data: EventData) -> bool:
    """Whether msgspec writes the same bytes, fields that this version does not know included: no key is there twice."""
    text = bytes(data_json)
    if _ENCODE(data) == text:
        return True
    try:
        return _ENCODE(_DECODE_ANY(text)) == text
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError):
        return False


def check_keys_of_text(payload: bytes) -> None:
    """Return if no object in a JSON text names a key twice, however the text is written.

    Raises:
        ContractError: a key is there twice.
    """
    try:
        json.loads(payload, object_pairs_hook=_only_once, parse_int=str)
    except (ValueError, RecursionError) as exc:
        raise ContractError("schema", f"not a CloudEvent: {str(exc)[:120]}") from exc


def _only_once(pairs: list[tuple[str, object]]) -> None:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a key is there twice")


def decode_envelope(payload: bytes) -> Envelope:
    """Return an event's attributes, each in the range of its type; its data is not looked at yet.

    Raises:
        ContractError: too large, not JSON, or an attribute that is missing or out of range.
    """
    if len(payload) > MAX_EVENT_BYTES:
        raise ContractError("size", f"event of {len(payload)} bytes; {MAX_EVENT_BYTES} are allowed")
    try:
        return _ENVELOPE_DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError) as exc:
        raise ContractError("schema", f"not a CloudEvent: {exc}") from exc


def event_of(envelope: Envelope) -> Event:
    """Return the event of a decoded envelope, its data checked.

    Raises:
        ContractError: source, type or data are wrong.
    """
    node, camera = parse_source(envelope.source)
    data_json = bytes(envelope.data)
    check_moment(envelope.time)
    return Event(
        id=envelope.id,
        node=node,
        camera=camera,
        subject=envelope.subject,
        time=envelope.time,
        data=decode_data(kind_of_type(envelope.type), data_json),
        data_json=data_json,
        recorded=recorded_of(envelope.epoch, envelope.sequence, envelope.recordedtime),
        traceparent=envelope.traceparent,
    )


def recorded_of(epoch: str | None, sequence: int | None, at: datetime | None) -> Recorded | None:
    """Return the spool's three attributes as one value, None if all are absent.

    Raises:
        ContractError: some are there and some are not.
    """
    if epoch is None and sequence is None and at is None:
        return None
    if epoch is None or sequence is None or at is None:
        raise ContractError("schema", "epoch, sequence and recordedtime belong together")
    check_moment(at)
    return Recorded(epoch=epoch, sequence=sequence, at=at)


_DATA_DECODERS: Final = {kind: msgspec.json.Decoder(data_type) for kind, data_type in DATA_TYPES.items()}
_MOMENTS: Final = {
    kind: tuple(field.name for field in msgspec.structs.fields(data_type) if field.type == Moment)
    for kind, data_type in DATA_TYPES.items()
}
"""The fields of each kind that are times."""


def decode_data(kind: str, data_json: bytes | Raw) -> EventData:
    """Return the data of one kind, every field checked; unknown fields are ignored.

    Raises:
        ContractError: an unknown kind, or a field that is missing or out of range.
    """
    decoder = _DATA_DECODERS.get(kind)
    if decoder is None:
        raise ContractError("schema", f"unknown kind {kind[:60]!r}")
    try:
        data = decoder.decode(data_json)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError) as exc:
        raise ContractError("schema", f"{kind}: {exc}") from exc
    for name in _MOMENTS[kind]:
        check_moment(getattr(data, name))
    return data


def check_moment(moment: datetime) -> None:
    """Return if a camera can have seen it: times at the ends of the calendar overflow in another zone.

    Raises:
        ContractError: it is before 1969 or after 2199.
    """
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ContractError(
            "schema", f"time {moment.isoformat()}: only the years {_FIRST_YEAR} to {_LAST_YEAR} are allowed"
        )

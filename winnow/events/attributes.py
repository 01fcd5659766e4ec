"""CloudEvents attributes as plain strings: MQTT user properties and Kafka headers carry them in binary mode."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from winnow.events.data import Sha256
from winnow.events.errors import ContractError
from winnow.events.event import (
    Envelope,
    Event,
    EventId,
    Recorded,
    event_of,
    kind_of_type,
    recorded_of,
)
from winnow.events.names import parse_source
from winnow.events.thumbnail import THUMBNAIL_KIND, Thumbnail, check_thumbnail

_JSON: Final = "application/json"


class _ThumbnailAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """What a thumbnail's attributes must look like."""

    id: EventId
    eventid: EventId
    sha256: Sha256


def attributes_of(message: Event | Thumbnail) -> dict[str, str]:
    """Return every attribute that is set, as text."""
    attributes = {
        "specversion": "1.0",
        "id": message.id,
        "source": message.source,
        "type": message.type,
        "time": text_of(message.time),
    }
    if message.subject is not None:
        attributes["subject"] = message.subject
    if message.recorded is not None:
        attributes |= _record_attributes(message.recorded)
    if isinstance(message, Thumbnail):
        return attributes | {"datacontenttype": "image/jpeg", "eventid": message.event_id, "sha256": message.sha256}
    if message.traceparent is not None:
        attributes["traceparent"] = message.traceparent
    return attributes | {"datacontenttype": _JSON}


def _record_attributes(recorded: Recorded) -> dict[str, str]:
    return {"recordedtime": text_of(recorded.at), "epoch": recorded.epoch, "sequence": str(recorded.sequence)}


def text_of(moment: datetime) -> str:
    """Return a time as an attribute spells it."""
    return msgspec.to_builtins(moment)  # type: ignore[no-any-return]


def message_of(attributes: Mapping[str, str], body: bytes) -> Event | Thumbnail:
    """Return the event or thumbnail that attributes and body make, everything checked.

    Raises:
        ContractError: an attribute is missing or wrong, or the body does not fit them.
    """
    if kind_of_type(attributes.get("type", "")) == THUMBNAIL_KIND:
        return _thumbnail_of(_envelope_of(attributes, b"{}"), attributes, body)
    return event_of(_envelope_of(attributes, body))


def _envelope_of(attributes: Mapping[str, str], data_json: bytes) -> Envelope:
    known = {name: attributes[name] for name in Envelope.__struct_fields__ if name in attributes}
    try:
        return msgspec.convert(
            {**known, "datacontenttype": _JSON, "data": msgspec.Raw(data_json)}, type=Envelope, strict=False
        )
    except (msgspec.MsgspecError, OverflowError) as exc:
        raise ContractError("schema", f"attributes: {exc}") from exc


def _thumbnail_of(envelope: Envelope, attributes: Mapping[str, str], jpeg: bytes) -> Thumbnail:
    node, camera = parse_source(envelope.source)
    if camera is None or envelope.subject is None:
        raise ContractError("schema", "a thumbnail needs a camera and a subject")
    try:
        own = msgspec.convert(dict(attributes), type=_ThumbnailAttributes)
    except msgspec.MsgspecError as exc:
        raise ContractError("schema", f"thumbnail attributes: {exc}") from exc
    thumbnail = Thumbnail(
        id=envelope.id,
        node=node,
        camera=camera,
        subject=envelope.subject,
        time=envelope.time,
        event_id=own.eventid,
        jpeg=jpeg,
        sha256=own.sha256,
        recorded=recorded_of(envelope.epoch, envelope.sequence, envelope.recordedtime),
    )
    check_thumbnail(thumbnail)
    return thumbnail

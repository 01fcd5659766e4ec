"""Rows of the spool, readable or sealed: what the table holds of a message.

Theory: one key seals one row with AES-256-GCM (NIST SP 800-38D). Everything that says what happened, where and when is
inside: topic, content type, user properties and payload. The row's place (node, epoch, sequence) is associated data, so
a row that is moved to another place, another spool or another node does not open. Nonces are random: a sequence may be
written twice with other content, after a transaction that was rolled back, so it is no nonce. SP 800-38D allows 2**32
random nonces for one key: 2.7 years at 50 messages a second.

Errors:
    RowUnreadableError     the row was changed, or its key is not known
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol
from zlib import crc32

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from winnow.events.mqtt import MqttMessage

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
NONCE_BYTES: Final = 12
SEALED: Final = "sealed"
"""Stands in the column `content_type` of a sealed row; a readable row has a MIME type there."""

_Inside: Final = msgspec.msgpack.Decoder(tuple[str, str, bytes, bytes])
_MARK: Final = b"\x01"
_UNCHECKED: Final = b"["
"""What the user properties of a row without a checksum begin with; four bits away from the mark."""
_PARTS: Final = (slice(0, 1), slice(1, 5), slice(5, None))
_UserProperties: Final = msgspec.json.Decoder(tuple[tuple[str, str], ...])


class RowUnreadableError(Exception):
    """The row was changed since it was written, or none of the keys opens it."""


class Place(NamedTuple):
    """Where a row belongs."""

    node: str
    epoch: str
    sequence: int

    def encoded(self) -> bytes:
        """Return the same bytes for the same place only."""
        return msgspec.msgpack.encode(tuple(self))


class Columns(NamedTuple):
    """The part of a row that sealing changes."""

    topic: str
    content_type: str
    user_properties: bytes
    payload: bytes


class Rows(Protocol):
    """Turns messages into columns and back."""

    def write(self, place: Place, mqtt: MqttMessage) -> Columns:
        """Return what the table is to hold."""

    def read(self, place: Place, columns: Columns) -> MqttMessage:
        """Return the message.

        Raises:
            RowUnreadableError: it was changed, or its key is not known.
        """

    @property
    def key_ids(self) -> frozenset[bytes]:
        """The keys that can be read with; none where nothing is sealed."""


@dataclass(frozen=True, slots=True)
class SpoolKey:
    """A key, and the name that rows give it: the first bytes of a hash of it, which tell nothing about it.

    Attributes:
        secret: 32 random bytes; never shown.
    """

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(self.secret)}")

    @property
    def id(self) -> bytes:
        """The key's name."""
        return hashlib.sha256(b"winnow spool key\0" + self.secret).digest()[:KEY_ID_BYTES]


class ReadableRows:
    """Rows that anybody can read who can read the file.

    Theory: SQLite has no checksum over what it stores, so a bit that rots in a payload would be sent as an event that
    nobody saw. In front of the user properties stands a mark and a CRC-32 of place and message, which finds every error
    of one bit. Rows of before have neither and are read as they are.
    """

    key_ids: frozenset[bytes] = frozenset()

    def write(self, place: Place, mqtt: MqttMessage) -> Columns:
        """See `Rows.write`."""
        columns = Columns(mqtt.topic, mqtt.content_type, msgspec.json.encode(mqtt.user_properties), mqtt.payload)
        return columns._replace(user_properties=_MARK + checksum(place, columns) + columns.user_properties)

    def read(self, place: Place, columns: Columns) -> MqttMessage:
        """See `Rows.read`."""
        if columns.content_type == SEALED:
            raise RowUnreadableError(f"row {place.sequence} is sealed, and there is no key")
        if not columns.user_properties.startswith(_UNCHECKED):
            mark, told, rest = (columns.user_properties[part] for part in _PARTS)
            columns = columns._replace(user_properties=rest)
            if (mark, told) != (_MARK, checksum(place, columns)):
                raise RowUnreadableError(f"row {place.sequence} was changed")
        try:
            user_properties = _UserProperties.decode(columns.user_properties)
        except msgspec.MsgspecError as exc:
            raise RowUnreadableError(f"row {place.sequence} was changed") from exc
        return MqttMessage(
            topic=columns.topic,
            payload=columns.payload,
            content_type=columns.content_type,
            user_properties=user_properties,
        )


def checksum(place: Place, columns: Columns) -> bytes:
    """Return four bytes that are others if a bit of place or message is another."""
    found = 0
    for part in (place.encoded(), columns.topic.encode(), columns.content_type.encode(), *columns[2:]):
        found = crc32(part, crc32(len(part).to_bytes(8), found))
    return found.to_bytes(4)


class SealedRows:
    """Rows that open only with one of the keys. Those that were written before there was a key can be read too.

    Args:
        keys: the first one seals, all of them open.
    """

    def __init__(self, keys: Sequence[SpoolKey]) -> None:
        self._current_id = keys[0].id
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}
        self._readable = ReadableRows()

    @property
    def key_ids(self) -> frozenset[bytes]:
        """See `Rows.key_ids`."""
        return frozenset(self._ciphers)

    def write(self, place: Place, mqtt: MqttMessage) -> Columns:
        """See `Rows.write`."""
        nonce = os.urandom(NONCE_BYTES)
        inside = msgspec.msgpack.encode(tuple(self._readable.write(place, mqtt)))
        sealed = self._ciphers[self._current_id].encrypt(nonce, inside, place.encoded())
        return Columns("", SEALED, b"", self._current_id + nonce + sealed)

    def read(self, place: Place, columns: Columns) -> MqttMessage:
        """See `Rows.read`."""
        if columns.content_type != SEALED:
            return self._readable.read(place, columns)
        key_id, rest = columns.payload[:KEY_ID_BYTES], columns.payload[KEY_ID_BYTES:]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise RowUnreadableError(f"row {place.sequence} is sealed with a key that is not known")
        try:
            inside = cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.encoded())
        except (InvalidTag, ValueError) as exc:
            raise RowUnreadableError(f"row {place.sequence} was changed, or moved here from another place") from exc
        return self._readable.read(place, Columns(*_Inside.decode(inside)))

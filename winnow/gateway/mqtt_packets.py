"""MQTT 5 packets that a gateway sends and receives, as bytes and back. Pure; nothing here knows a socket.

Only what a gateway needs: no topic aliases (none are offered to the broker), QoS 0 and 1, no will. A general client
library spends more on a message than everything else in a gateway together: it makes objects for properties that nobody
reads, and one system call for each acknowledgement.

Source: OASIS, MQTT Version 5.0, 7 March 2019; sections are named where they matter.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

CONNACK: Final = 0x20
PUBLISH: Final = 0x30
PUBACK: Final = 0x40
SUBACK: Final = 0x90
UNSUBACK: Final = 0xB0
PINGRESP: Final = 0xD0
DISCONNECT: Final = 0xE0

PINGREQ_BYTES: Final = b"\xc0\x00"
DISCONNECT_BYTES: Final = b"\xe0\x00"
FAILURE: Final = 0x80
"""Reason codes from here on are failures (2.4)."""

_USER_PROPERTY: Final = 0x26
_RECEIVE_MAXIMUM: Final = 0x21
_BYTE: Final = frozenset({0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A})
_TWO_BYTES: Final = frozenset({0x13, 0x21, 0x22, 0x23})
_FOUR_BYTES: Final = frozenset({0x02, 0x11, 0x18, 0x27})
_WITH_LENGTH: Final = frozenset({0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F})
"""Length of each property's value (2.2.2.2); 0x0B is a variable byte integer, 0x26 a pair of strings."""


class MalformedPacketError(Exception):
    """The other end does not speak MQTT 5, or something between has damaged it: the connection is over."""


class UserProperties(Struct, frozen=True, gc=False):
    """The pairs among a PUBLISH's properties, read only when they are asked for: most messages are judged without.

    Properties whose lengths do not fit have no pairs, so whoever needs one refuses the message.

    Attributes:
        encoded: all properties, without their length.
    """

    encoded: bytes

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Return names and values in order; text that is no UTF-8 holds U+FFFD."""
        try:
            return iter(_user_properties(self.encoded))
        except (IndexError, MalformedPacketError):
            return iter(())


class Publish(Struct, frozen=True, gc=False):
    """A PUBLISH as it came; a topic that is no UTF-8 holds U+FFFD and so passes no check behind."""

    topic: str
    payload: bytes
    user_properties: UserProperties
    qos: int
    packet_id: int


class PacketBuffer:
    """Cuts a stream of bytes into packets.

    Args:
        max_bytes: a packet that claims more is malformed; so memory stays bounded whatever comes.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._rest = b""

    def feed(self, received: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield first byte and body of every packet that is complete now.

        Raises:
            MalformedPacketError: a length that is none, or is too large.
        """
        stream = self._rest + received if self._rest else received
        self._rest = b""
        start, end = 0, len(stream)
        while start + 2 <= end:
            length, body = stream[start + 1], start + 2
            if length >= FAILURE and body < end and (high := stream[body]) < FAILURE:  # two bytes: most events
                length, body = length & 0x7F | high << 7, body + 1
            elif length >= FAILURE:
                found = _length(stream, start + 1)
                if found is None:
                    break
                length, body = found
            if length > self._max_bytes:
                raise MalformedPacketError(f"packet of {length} bytes")
            if body + length > end:
                break
            yield stream[start], stream[body : body + length]
            start = body + length
        self._rest = stream[start:]


def _length(stream: bytes, position: int) -> tuple[int, int] | None:
    """Return a variable byte integer (1.5.5) and where it ends; None if its bytes have not all come."""
    value = 0
    for index, byte in enumerate(stream[position : position + 4]):
        value |= (byte & 0x7F) << 7 * index
        if byte < FAILURE:
            return value, position + index + 1
    if position + 4 <= len(stream):
        raise MalformedPacketError("a length of more than four bytes")
    return None


def decode_publish(first: int, body: bytes) -> Publish:
    """Return what a PUBLISH carries.

    Raises:
        MalformedPacketError: its lengths do not fit.
    """
    try:
        at = 2 + (body[0] << 8 | body[1])
        topic = body[2:at].decode(errors="replace")
        qos, packet_id = first >> 1 & 3, 0
        if qos:
            packet_id = body[at] << 8 | body[at + 1]
            at += 2
        length = body[at]
        at += 1
        if length >= FAILURE:
            length, at = _whole_length(body, at - 1)
    except IndexError as exc:
        raise MalformedPacketError("PUBLISH ends too soon") from exc
    end = at + length
    if end > len(body) or qos > 1:
        raise MalformedPacketError("PUBLISH with lengths that do not fit, or QoS 2")
    return Publish(topic, body[end:], UserProperties(body[at:end]), qos, packet_id)


def _user_properties(body: bytes) -> list[tuple[str, str]]:
    found, at, end = [], 0, len(body)
    while at < end:
        kind = body[at]
        if kind != _USER_PROPERTY:
            at = _behind(body, kind, at + 1)
            continue
        name_end = at + 3 + (body[at + 1] << 8 | body[at + 2])
        value_at = name_end + 2
        value_end = value_at + (body[name_end] << 8 | body[name_end + 1])
        found.append(
            (body[at + 3 : name_end].decode(errors="replace"), body[value_at:value_end].decode(errors="replace"))
        )
        at = value_end
    if at != end:
        raise MalformedPacketError("properties are longer than they say")
    return found


def _behind(body: bytes, kind: int, at: int) -> int:
    """Return where the value of a property that starts at `at` ends."""
    if kind in _WITH_LENGTH:
        return at + 2 + (body[at] << 8 | body[at + 1])
    if kind in _BYTE:
        return at + 1
    if kind in _TWO_BYTES:
        return at + 2
    if kind in _FOUR_BYTES:
        return at + 4
    if kind == 0x0B:  # noqa: PLR2004 - Subscription Identifier
        return _whole_length(body, at)[1]
    raise MalformedPacketError(f"property {kind:#x} is not known")


def _whole_length(body: bytes, at: int) -> tuple[int, int]:
    found = _length(body, at)
    if found is None:
        raise MalformedPacketError("the packet ends within a length")
    return found


def decode_connack(body: bytes) -> tuple[int, int]:
    """Return the reason code, and how many QoS 1 messages the broker takes before it has answered one (3.2).

    Raises:
        MalformedPacketError: it is no CONNACK of MQTT 5.
    """
    receive_maximum = 0xFFFF
    try:
        code = body[1]
        length, at = _whole_length(body, 2) if len(body) > 2 else (0, 2)  # noqa: PLR2004
        end = at + length
        while at < end:
            kind = body[at]
            behind = at + 1
            if kind == _RECEIVE_MAXIMUM:
                receive_maximum = body[behind] << 8 | body[behind + 1]
            at = _behind_pair(body, behind) if kind == _USER_PROPERTY else _behind(body, kind, behind)
    except IndexError as exc:
        raise MalformedPacketError("CONNACK ends too soon") from exc
    return code, receive_maximum


def _behind_pair(body: bytes, at: int) -> int:
    for _ in range(2):
        at += 2 + (body[at] << 8 | body[at + 1])
    return at


def decode_reasons(body: bytes) -> list[int]:
    """Return the reason codes of a SUBACK (3.9).

    Raises:
        MalformedPacketError: it ends too soon.
    """
    length, at = _whole_length(body, 2)
    return list(body[at + length :])


def decode_puback(body: bytes) -> tuple[int, int]:
    """Return packet id and reason code (3.4).

    Raises:
        MalformedPacketError: it ends too soon.
    """
    if len(body) < 2:  # noqa: PLR2004
        raise MalformedPacketError("PUBACK without a packet id")
    return body[0] << 8 | body[1], body[2] if len(body) > 2 else 0  # noqa: PLR2004


def encode_connect(  # noqa: PLR0913 - one argument a field
    client_id: str,
    *,
    keepalive_s: int,
    session_expiry_s: int,
    receive_maximum: int,
    max_packet_bytes: int,
    username: str | None,
    password: str | None,
) -> bytes:
    """Return CONNECT with Clean Start 0: the broker resumes the session, or makes one that it keeps (3.1)."""
    flags = (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    properties = (
        b"\x11" + session_expiry_s.to_bytes(4, "big")
        + b"\x21" + receive_maximum.to_bytes(2, "big")
        + b"\x27" + max_packet_bytes.to_bytes(4, "big")
    )  # fmt: skip
    head = _text("MQTT") + b"\x05" + bytes([flags]) + keepalive_s.to_bytes(2, "big")
    texts = [client_id, *(text for text in (username, password) if text is not None)]
    return _packet(0x10, head + _varint(len(properties)) + properties + b"".join(map(_text, texts)))


def encode_subscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Return SUBSCRIBE at QoS 1 (3.8)."""
    return _packet(0x82, packet_id.to_bytes(2, "big") + b"\x00" + b"".join(_text(name) + b"\x01" for name in filters))


def encode_unsubscribe(packet_id: int, filters: Sequence[str]) -> bytes:
    """Return UNSUBSCRIBE (3.10)."""
    return _packet(0xA2, packet_id.to_bytes(2, "big") + b"\x00" + b"".join(map(_text, filters)))


def encode_publish(
    packet_id: int, topic: str, payload: bytes, user_properties: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Return PUBLISH at QoS 1, without other properties (3.3)."""
    pairs = b"".join(b"\x26" + _text(name) + _text(value) for name, value in user_properties)
    return _packet(0x32, _text(topic) + packet_id.to_bytes(2, "big") + _varint(len(pairs)) + pairs + payload)


def encode_publish_once(topic: str, payload: bytes) -> bytes:
    """Return PUBLISH at QoS 0, without properties."""
    return _packet(0x30, _text(topic) + b"\x00" + payload)


def encode_pubacks(packet_ids: Iterable[int]) -> bytes:
    """Return a PUBACK for each: success (3.4.2.1: code and properties may be left out)."""
    return b"".join([b"\x40\x02" + packet_id.to_bytes(2, "big") for packet_id in packet_ids])


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + _varint(len(body)) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= FAILURE:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)

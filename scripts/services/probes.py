"""Whether a server answers in its own protocol; plain sockets, because these run before anything is installed.

An open port is not readiness: PostgreSQL accepts connections while it recovers, Kafka before its broker leads anything.
"""

import socket
import struct
from typing import Final

PROBE_TIMEOUT_S: Final = 2.0

_MQTT_CONNECT: Final = bytes.fromhex("100c 0004 4d515454 04 02 0005 0000")
"""CONNECT of MQTT 3.1.1: clean session, keep-alive 5 s, empty client id. Source: OASIS MQTT 3.1.1, section 3.1."""
_MQTT_CONNACK_ACCEPTED: Final = bytes.fromhex("20020000")

_KAFKA_METADATA: Final = struct.pack(">hhihi", 3, 1, 1, -1, 0)
"""Metadata request, version 1, no client id, no topics. Source: Apache Kafka protocol guide, Metadata API (key 3)."""
_KAFKA_FIND_COORDINATOR: Final = struct.pack(">hhihh5sb", 10, 1, 2, -1, 5, b"probe", 0)
"""FindCoordinator request, version 1, for the group "probe". Source: as above, FindCoordinator API (key 10)."""

_POSTGRES_PROTOCOL_3: Final = 196608
_POSTGRES_READY: Final = b"Z"
_POSTGRES_ERROR: Final = b"E"


def mqtt_answers(port: int) -> bool:
    """Return whether the broker on this loopback port accepts a connection of MQTT."""
    try:
        with _connect(port) as connection:
            connection.sendall(_MQTT_CONNECT)
            return _read(connection, len(_MQTT_CONNACK_ACCEPTED)) == _MQTT_CONNACK_ACCEPTED
    except OSError:
        return False


def kafka_answers(port: int) -> bool:
    """Return whether the Kafka on this loopback port has a broker and serves consumer groups.

    The second question makes a new Kafka create its topic of offsets, so that the first consumer of a test finds it.
    """
    try:
        with _connect(port) as connection:
            (broker_count,) = struct.unpack_from(">i", _ask_kafka(connection, _KAFKA_METADATA))
            if broker_count == 0:
                return False
            _throttle_ms, error_code = struct.unpack_from(">ih", _ask_kafka(connection, _KAFKA_FIND_COORDINATOR))
            return bool(error_code == 0)
    except OSError:
        return False


def postgres_answers(port: int, user: str) -> bool:
    """Return whether the PostgreSQL on this loopback port is ready to take a query from a user without a password."""
    names = b"".join(word.encode() + b"\0" for word in ("user", user, "database", "postgres"))
    startup = struct.pack(">i", _POSTGRES_PROTOCOL_3) + names + b"\0"
    try:
        with _connect(port) as connection:
            connection.sendall(struct.pack(">i", len(startup) + 4) + startup)
            kind = b""
            while kind not in {_POSTGRES_READY, _POSTGRES_ERROR}:
                kind, size = struct.unpack(">ci", _read(connection, 5))
                _read(connection, size - 4)
            return kind == _POSTGRES_READY
    except OSError:
        return False


def _ask_kafka(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(struct.pack(">i", len(request)) + request)
    size, _correlation = struct.unpack(">ii", _read(connection, 8))
    return _read(connection, size - 4)


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PROBE_TIMEOUT_S)


def _read(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise ConnectionError("the server closed the connection")
        received += part
    return received

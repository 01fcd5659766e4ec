"""An MQTT 5 broker that answers as the test wants, also as no broker should: for what a real one does once a year."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_CONNECT, _PUBLISH, _SUBSCRIBE, _PINGREQ, _DISCONNECT = 1, 3, 8, 12, 14
"""Types of control packets. Source: MQTT 5.0, table 2-1."""
_CONNACK: Final = bytes([0x20, 3, 0, 0, 0])
_PINGRESP: Final = bytes([0xD0, 0])
_GRANTED_QOS_1: Final = 1


class ScriptedBroker:
    """A listener on loopback that speaks just enough MQTT 5; a context manager.

    Args:
        answer: topic of a PUBLISH → reason code of its PUBACK, None for no answer.

    Attributes:
        answers_connect: whether CONNECT is answered.
        answers_ping: whether PINGREQ is answered.
        published: topics, in order of arrival.
        connections: how many there were.
    """

    def __init__(self, answer: Callable[[str], int | None] = lambda _: 0) -> None:
        self.answers_connect = True
        self.answers_ping = True
        self.published: list[str] = []
        self.connections = 0
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="scripted broker", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        for client in self._clients:
            client.close()

    def send(self, topic: str, payload: bytes) -> None:
        """Publish something to the last client, at QoS 0."""
        body = len(topic).to_bytes(2, "big") + topic.encode() + b"\0" + payload
        self._clients[-1].sendall(bytes([0x30, len(body)]) + body)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                self.connections += 1
                threading.Thread(target=self._serve, args=(client,), name="scripted client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, client.makefile("rb") as stream:
            while first := stream.read(1):
                kind = first[0] >> 4
                length, shift = 0, 0
                while True:
                    (digit,) = stream.read(1)
                    length |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        break
                self._react(client, kind, stream.read(length))
                if kind == _DISCONNECT:
                    return

    def _react(self, client: socket.socket, kind: int, body: bytes) -> None:
        if kind == _CONNECT and self.answers_connect:
            client.sendall(_CONNACK)
        elif kind == _PINGREQ and self.answers_ping:
            client.sendall(_PINGRESP)
        elif kind == _SUBSCRIBE:
            client.sendall(bytes([0x90, 5]) + body[:2] + bytes([0, _GRANTED_QOS_1, _GRANTED_QOS_1]))
        elif kind == _PUBLISH:
            end = 2 + int.from_bytes(body[:2], "big")
            topic, packet_id = body[2:end].decode(), body[end : end + 2]
            self.published.append(topic)
            code = self._answer(topic)
            if code is not None:
                client.sendall(bytes([0x40, 4]) + packet_id + bytes([code, 0]))

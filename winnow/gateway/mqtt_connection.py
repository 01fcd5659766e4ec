"""One MQTT connection on the running event loop, from CONNECT to its end; never used twice.

paho is driven by the event loop instead of a thread of its own: no lock, no thread that can die unseen. Whatever paho
raises on bytes that it does not understand ends this connection, and the next one starts with a fresh client. An
acknowledgement can so never reach a connection that its message did not come from.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from winnow.gateway.intake import ConnectionLostError
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import SESSION_EXPIRY_S, MqttSettings, connect_properties, new_client
from winnow.runtime.tls import CertificateWatch

MAX_PACKET_BYTES: Final = 320 * 1024
"""Asked of the broker. The contract's largest payload is 256 KiB; the rest is room for poison to be seen as such."""
MAX_UNANSWERED: Final = 1000
"""Receipts that the broker may leave without an answer before the connection is given up."""
ANSWER_WITHIN_S: Final = 10.0
"""CONNACK and SUBACK come within this time, or the connection is given up."""
TCP_WITHIN_S: Final = 4.0
CLOSE_WITHIN_S: Final = 1.0
HOUSEKEEPING_EVERY_S: Final = 1.0

_log: Final = logging.getLogger(__name__)

Message = Callable[[MQTTMessage], None]


class MqttConnection:
    """A session that the broker keeps, for as long as one connection lasts.

    Args:
        settings: where the broker is and how to log in.
        client_id: the name of the session.
        receive_maximum: most unacknowledged messages that the broker sends.
        on_message: called for each message, on the event loop.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """

    def __init__(self, settings: MqttSettings, *, client_id: str, receive_maximum: int, on_message: Message) -> None:
        self._settings = settings
        self._receive_maximum = receive_maximum
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._certificate = CertificateWatch(settings.tls, SystemClock())
        self._unanswered = 0
        self._refusal_told = False
        self._client = new_client(settings, client_id=client_id, manual_ack=True)
        self._client.connect_timeout = TCP_WITHIN_S
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_publish = self._on_publish
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = lambda _client, _data, message: on_message(message)

    @property
    def alive(self) -> bool:
        """Return whether the connection has not ended yet."""
        return not self._ended.done()

    async def open(self, filters: Sequence[str]) -> None:
        """Return once the broker has resumed or made the session and granted every filter.

        Raises:
            ConnectionLostError: no broker, a refusal, or no answer in time.
        """
        try:
            await self._loop.run_in_executor(None, self._connect)
        except (OSError, ValueError) as exc:
            raise ConnectionLostError(f"no connection: {exc}") from exc
        self._watch_socket()
        await self._answer_to(self._connected, "CONNECT")
        self._client.subscribe([(name, SubscribeOptions(qos=1)) for name in filters])
        await self._answer_to(self._subscribed, "SUBSCRIBE")

    async def wait_until_lost(self) -> str:
        """Keep the connection alive; return why it ended, or that a renewed certificate asks for another one."""
        while self.alive:
            await asyncio.wait({self._ended}, timeout=HOUSEKEEPING_EVERY_S)
            if self.alive:
                self._guard(self._client.loop_misc)
            if self._certificate.has_changed():
                return "the certificate was renewed"
        return self._ended.result()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 1, ahead of every PUBACK that is sent later.

        Its answer is not waited for: rumqttd answers nothing at all while its own window is full.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """
        if not self.alive or not self._connected.done():
            raise ConnectionLostError("not connected")
        self._unanswered += 1
        self._guard(lambda: self._client.publish(topic, payload, qos=1).rc)
        if self._unanswered > MAX_UNANSWERED:
            self._end("no answer to PUBLISH")
        if not self.alive:
            raise ConnectionLostError(self._ended.result())

    def acknowledge(self, mid: int) -> None:
        """Send the PUBACK of one message."""
        if self.alive:
            self._guard(lambda: self._client.ack(mid, 1))

    async def close(self) -> None:
        """Say goodbye, so that no last will and no time-out is needed, and close the socket."""
        if self.alive:
            self._guard(self._client.disconnect)
            await asyncio.wait({self._ended}, timeout=CLOSE_WITHIN_S)
        self._end("closed")

    def _connect(self) -> None:
        """Do the blocking part, off the event loop: name lookup, TCP, TLS, sending CONNECT."""
        host, port = self._settings.address
        properties = connect_properties(session_expiry_s=SESSION_EXPIRY_S, receive_maximum=self._receive_maximum)
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        keepalive_s = self._settings.keepalive_s
        self._client.connect(host, port, keepalive=keepalive_s, clean_start=False, properties=properties)

    def _watch_socket(self) -> None:
        """Let the event loop call paho when there is something to read, or room to write."""
        client, connection = self._client, self._client.socket()
        if not isinstance(connection, socket.socket):
            self._end("closed while connecting")
            return
        client.on_socket_close = lambda _client, _data, sock: self._forget_socket(sock)
        client.on_socket_register_write = lambda _client, _data, sock: self._loop.add_writer(sock, self._write)
        client.on_socket_unregister_write = lambda _client, _data, sock: self._forget_writer(sock)
        # Receipts and PUBACKs are many small packets: none waits for the broker to have confirmed the one before.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(connection, self._read)
        if client.want_write():
            self._loop.add_writer(connection, self._write)

    def _forget_socket(self, connection: Any) -> None:
        if connection.fileno() >= 0:
            self._loop.remove_reader(connection)
            self._loop.remove_writer(connection)

    def _forget_writer(self, connection: Any) -> None:
        if connection.fileno() >= 0:
            self._loop.remove_writer(connection)

    def _read(self) -> None:
        self._guard(self._client.loop_read)
        # What TLS has already decrypted no longer makes the socket readable.
        while isinstance(connection := self._client.socket(), ssl.SSLSocket) and connection.pending():
            self._guard(self._client.loop_read)

    def _write(self) -> None:
        self._guard(self._client.loop_write)

    def _guard(self, step: Callable[[], MQTTErrorCode]) -> None:
        """Do one step of paho's; if it fails in whatever way, the connection is over."""
        try:
            code = step()
        except Exception as exc:  # noqa: BLE001 - top of an event loop callback
            _log.warning("MQTT client failed", exc_info=exc)
            self._end(f"client failed: {exc!r}")
            return
        if code not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
            self._end(code.name)

    def _end(self, reason: str) -> None:
        """Close the socket and wake everybody who waits for an answer."""
        if not self._ended.done():
            self._ended.set_result(reason)
        if (connection := self._client.socket()) is not None:
            self._forget_socket(connection)
            with contextlib.suppress(OSError):
                connection.close()

    async def _answer_to(self, answer: asyncio.Future[Any], asked: str) -> None:
        await asyncio.wait({answer, self._ended}, timeout=ANSWER_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._end(f"no answer to {asked}")
            raise ConnectionLostError(self._ended.result())

    def _on_connect(
        self, _client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._end(f"the broker refused the connection: {code}")
        elif not self._connected.done():
            self._connected.set_result(None)

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            answers = ", ".join(str(code) for code in codes)
            self._end(f"the broker refused the subscription: {answers}")
        elif not self._subscribed.done():
            self._subscribed.set_result(None)

    def _on_publish(
        self, _client: Client, _data: object, _mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._unanswered -= 1
        if code.is_failure and not self._refusal_told:
            self._refusal_told = True
            _log.error("the broker refuses receipts; check its access rules", extra={"reason": str(code)})

    def _on_disconnect(
        self, _client: Client, _data: object, _flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._end(str(code))

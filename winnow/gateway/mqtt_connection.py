"""One MQTT connection on the running event loop, from CONNECT to its end; never used twice.

It speaks MQTT 5 itself (see `mqtt_packets`): no thread that can die unseen, no object a message that nobody reads, and
one system call for all receipts and acknowledgements of a batch. Bytes that it does not understand end the connection,
and the next one starts afresh. An acknowledgement can so never reach a connection that its message did not come from.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, cast

from winnow.gateway import mqtt_packets as packets
from winnow.gateway.intake import ConnectionLostError
from winnow.gateway.mqtt_packets import MalformedPacketError, Publish
from winnow.runtime.clock import SystemClock
from winnow.runtime.mqtt import SESSION_EXPIRY_S, MqttSettings, password_of, prepare_socket
from winnow.runtime.tls import CertificateWatch, Seen, client_context

MAX_PACKET_BYTES: Final = 320 * 1024
"""Asked of the broker. The contract's largest payload is 256 KiB; the rest is room for poison to be seen as such."""
MAX_UNANSWERED: Final = 1000
"""Messages that the broker may leave without an answer before the connection is given up."""
ANSWER_WITHIN_S: Final = 10.0
"""CONNACK and SUBACK come within this time, or the connection is given up."""
TCP_WITHIN_S: Final = 4.0
CLOSE_WITHIN_S: Final = 1.0
HOUSEKEEPING_EVERY_S: Final = 1.0
_SUBSCRIBE_ID: Final = 1
_UNSUBSCRIBE_ID: Final = 2
_FIRST_ID: Final = 10
_LAST_ID: Final = 0xFFFF

_log: Final = logging.getLogger(__name__)

Message = Callable[[Publish], None]


class MqttConnection(asyncio.Protocol):
    """A session that the broker keeps, for as long as one connection lasts.

    Args:
        settings: where the broker is and how to log in.
        client_id: the name of the session.
        receive_maximum: most unacknowledged messages that the broker sends.
        on_message: called for each message, on the event loop.
        password: instead of the settings' password file.
        seen: told of the certificate that the broker shows.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """

    def __init__(  # noqa: PLR0913 - what a connection depends on
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        receive_maximum: int,
        on_message: Message,
        password: str | None = None,
        seen: Seen | None = None,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._receive_maximum = receive_maximum
        self._on_message = on_message
        self._password = password_of(settings) if password is None else password
        self._tls = client_context(settings.tls, seen) if settings.has_tls else None
        self._certificate = CertificateWatch(settings.tls, SystemClock())
        self._loop = asyncio.get_running_loop()
        self._connected: asyncio.Future[None] = self._loop.create_future()
        self._subscribed: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._buffer = packets.PacketBuffer(MAX_PACKET_BYTES)
        self._out: list[bytes] = []
        self._waiting: deque[tuple[str, bytes, Sequence[tuple[str, str]]]] = deque()
        self._unanswered = 0
        self._broker_takes = _LAST_ID
        self._packet_id = _FIRST_ID
        self._heard_at_s = self._sent_at_s = self._loop.time()
        self._refusal_told = False
        self._listening = True

    @property
    def alive(self) -> bool:
        """Return whether the connection has not ended yet."""
        return not self._ended.done()

    @property
    def backlog(self) -> int:
        """Return how many published messages the broker has not answered."""
        return self._unanswered + len(self._waiting)

    async def open(self, filters: Sequence[str], *, instead_of: Sequence[str] = ()) -> None:
        """Return once the broker has resumed or made the session and granted every filter.

        Args:
            filters: what to subscribe to.
            instead_of: filters that an earlier run of this session may have left behind.

        Raises:
            ConnectionLostError: no broker, a refusal, or no answer in time.
        """
        await self.establish()
        if instead_of:
            self._send(packets.encode_unsubscribe(_UNSUBSCRIBE_ID, instead_of))
        self._send(packets.encode_subscribe(_SUBSCRIBE_ID, filters))
        await self._answer_to(self._subscribed, "SUBSCRIBE")

    async def establish(self) -> None:
        """Return once the broker has resumed or made the session.

        Raises:
            ConnectionLostError: no broker, a refusal, or no answer in time.
        """
        host, port = self._settings.address
        try:
            async with asyncio.timeout(TCP_WITHIN_S):
                await self._loop.create_connection(lambda: self, host, port, ssl=self._tls)
        except (OSError, TimeoutError, ValueError) as exc:
            self._end("not connected")
            raise ConnectionLostError(f"no connection: {str(exc) or type(exc).__name__}") from exc
        self._send(
            packets.encode_connect(
                self._client_id,
                keepalive_s=self._settings.keepalive_s,
                session_expiry_s=SESSION_EXPIRY_S,
                receive_maximum=self._receive_maximum,
                max_packet_bytes=MAX_PACKET_BYTES,
                username=self._settings.username,
                password=self._password if self._settings.username is not None else None,
            )
        )
        await self._answer_to(self._connected, "CONNECT")

    async def wait_until_lost(self) -> str:
        """Keep the connection alive; return why it ended, or that a renewed certificate asks for another one."""
        while self.alive:
            await asyncio.wait({self._ended}, timeout=HOUSEKEEPING_EVERY_S)
            self._probe()
            if self._certificate.has_changed():
                return "the certificate was renewed"
        return self._ended.result()

    def publish(self, topic: str, payload: bytes, user_properties: Sequence[tuple[str, str]] = ()) -> None:
        """Hand a message to the broker at QoS 1, ahead of every PUBACK that is sent later.

        Its answer is not waited for: rumqttd answers nothing at all while its own window is full. More than the broker
        takes at once (its Receive Maximum) wait here, at most `MAX_UNANSWERED`.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """
        self._demand_connection()
        self._waiting.append((topic, payload, user_properties))
        self._publish_waiting()
        if self.backlog > MAX_UNANSWERED:
            self._end("no answer to PUBLISH")
            raise ConnectionLostError(self._ended.result())

    def tell(self, topic: str, payload: bytes) -> None:
        """Hand over what may be lost, ahead of every PUBACK that is sent later: at QoS 1, or 0 if many are unanswered.

        An answer stands behind all that the broker has sent before it, and that can be a lot: Mosquitto 2.0.11 sends
        its whole queue at the first PUBACK, whatever Receive Maximum it was told. This shall not wait for that.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """
        self._demand_connection()
        if self._unanswered < min(self._broker_takes, MAX_UNANSWERED):
            self._send_answered(topic, payload, ())
        else:
            self._send(packets.encode_publish_once(topic, payload))

    def acknowledge(self, packet_ids: Iterable[int]) -> None:
        """Send a PUBACK for each of these messages, in this order."""
        if self.alive:
            self._send(packets.encode_pubacks(packet_ids))

    def listen(self, *, on: bool) -> None:
        """Take what the broker sends, or leave it in the socket until further notice."""
        if self._transport is not None and on != self._listening:
            self._listening = on
            (self._transport.resume_reading if on else self._transport.pause_reading)()

    async def close(self) -> None:
        """Say goodbye, so that no last will and no time-out is needed, and close the socket."""
        if self.alive and self._transport is not None:
            self._send(packets.DISCONNECT_BYTES)
            self._flush()
            self._transport.close()  # sends what is buffered first
            await asyncio.wait({self._ended}, timeout=CLOSE_WITHIN_S)
        self._end("closed")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio calls this."""
        self._transport = cast("asyncio.Transport", transport)
        prepare_socket(transport.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end; asyncio calls this."""
        self._end(f"connection lost: {exc}" if exc else "the broker closed the connection")

    def data_received(self, data: bytes) -> None:
        """Take what came apart; whatever fails on it, the connection is over. asyncio calls this."""
        self._heard_at_s = self._loop.time()
        try:
            for first, body in self._buffer.feed(data):
                self._take(first, body)
        except MalformedPacketError as exc:
            _log.warning("the broker sent what is not MQTT 5", extra={"reason": str(exc)})
            self._end(f"malformed packet: {exc}")
        except Exception as exc:  # noqa: BLE001 - top of an event loop callback
            _log.warning("MQTT client failed", exc_info=exc)
            self._end(f"client failed: {exc!r}")

    def _take(self, first: int, body: bytes) -> None:
        kind = first & 0xF0
        if kind == packets.PUBLISH:
            self._on_message(packets.decode_publish(first, body))
        elif kind == packets.PUBACK:
            self._note_answer(packets.decode_puback(body)[1])
        elif kind == packets.CONNACK:
            self._note_connack(body)
        elif kind == packets.SUBACK:
            self._note_suback(packets.decode_reasons(body))
        elif kind == packets.DISCONNECT:
            self._end(f"the broker ended the connection: reason {body[0] if body else 0:#04x}")
        elif kind not in (packets.PINGRESP, packets.UNSUBACK):
            raise MalformedPacketError(f"packet type {kind:#x}")

    def _note_connack(self, body: bytes) -> None:
        code, self._broker_takes = packets.decode_connack(body)
        if code >= packets.FAILURE:
            self._end(f"the broker refused the connection: reason {code:#04x}")
        elif not self._connected.done():
            self._connected.set_result(None)

    def _note_suback(self, codes: list[int]) -> None:
        if any(code >= packets.FAILURE for code in codes):
            self._end("the broker refused the subscription: reasons " + ", ".join(f"{code:#04x}" for code in codes))
        elif not self._subscribed.done():
            self._subscribed.set_result(None)

    def _note_answer(self, code: int) -> None:
        if not self._unanswered:
            raise MalformedPacketError("PUBACK for what was never sent")
        self._unanswered -= 1
        if code >= packets.FAILURE and not self._refusal_told:
            self._refusal_told = True
            _log.error("the broker refuses receipts; check its access rules", extra={"reason": f"{code:#04x}"})
        self._publish_waiting()

    def _demand_connection(self) -> None:
        if not self.alive or not self._connected.done():
            raise ConnectionLostError("not connected")

    def _publish_waiting(self) -> None:
        while self._waiting and self._unanswered < self._broker_takes:
            self._send_answered(*self._waiting.popleft())

    def _send_answered(self, topic: str, payload: bytes, user_properties: Sequence[tuple[str, str]]) -> None:
        self._unanswered += 1
        self._packet_id = self._packet_id + 1 if self._packet_id < _LAST_ID else _FIRST_ID
        self._send(packets.encode_publish(self._packet_id, topic, payload, user_properties))

    def _send(self, packet: bytes) -> None:
        """Put a packet behind the others; all that one turn of the event loop makes go out together."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(packet)

    def _flush(self) -> None:
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
            self._sent_at_s = self._loop.time()
        self._out = []

    def _probe(self) -> None:
        """Ask a silent broker for a sign of life, and give it up when none comes (3.1.2.10)."""
        now_s, keepalive_s = self._loop.time(), self._settings.keepalive_s
        if not self.alive:
            return
        if not self._listening:
            self._heard_at_s = now_s  # what is not listened to is not silent
        if now_s - self._heard_at_s > 1.5 * keepalive_s:
            self._end("the broker is silent")
        elif now_s - min(self._heard_at_s, self._sent_at_s) >= keepalive_s / 2:
            self._send(packets.PINGREQ_BYTES)

    def _end(self, reason: str) -> None:
        """Close the socket and wake everybody who waits for an answer."""
        if not self._ended.done():
            self._ended.set_result(reason)
        if self._transport is not None:
            self._transport.abort()

    async def _answer_to(self, answer: asyncio.Future[Any], asked: str) -> None:
        await asyncio.wait({answer, self._ended}, timeout=ANSWER_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            self._end(f"no answer to {asked}")
            raise ConnectionLostError(self._ended.result())

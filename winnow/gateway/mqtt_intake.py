"""The intake over MQTT: one connection after the other, subscribed anew each time, messages in a bounded queue."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from winnow.events.topics import GATEWAY_FILTERS, filters_of
from winnow.gateway.intake import ConnectionLostError, Received
from winnow.gateway.metrics import GatewayMetrics
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.gateway.mqtt_packets import Publish
from winnow.runtime.mqtt import MqttSettings, new_client
from winnow.runtime.retry import Backoff
from winnow.runtime.tls import Seen

MAX_WAITING: Final = 10_000
"""Messages that may wait, however small they are."""
MAX_WAITING_BYTES: Final = 16 * 1024 * 1024
"""Payloads that may wait; one read of the socket and the batch that is being stored come on top."""

_log: Final = logging.getLogger(__name__)


class MqttIntake:
    """Receives from the broker at QoS 1; what is not acknowledged is received again.

    `in_flight` is how many the broker is asked to send ahead of their acknowledgement. Not every broker keeps to that:
    when too many wait, or they are large, the socket is not read any more before some are taken. A message without the
    promise to come again (QoS 0) is dropped and counted when `in_flight` is exceeded.

    Args:
        settings: where the broker is and how to log in.
        client_id: the name of the session.
        nodes: whose messages to take; empty: everybody's.
        in_flight: the broker's window.
        backoff: between two attempts to connect.
        metrics: counts connections and drops.
        seen: told of the certificate that the broker shows.

    Attributes:
        waiting_bytes: payloads that wait.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """

    def __init__(  # noqa: PLR0913 - one argument a setting
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        in_flight: int,
        backoff: Backoff,
        metrics: GatewayMetrics,
        nodes: Sequence[str] = (),
        seen: Seen | None = None,
    ) -> None:
        new_client(settings, client_id=client_id)  # files that cannot be read are told now, not at the first connection
        self._settings = settings
        self._seen = seen
        self._client_id = client_id
        self._filters = [name for node in nodes for name in filters_of(node)] or list(GATEWAY_FILTERS)
        self._not_ours = GATEWAY_FILTERS if nodes else ()
        self._in_flight = in_flight
        self._backoff = backoff
        self._metrics = metrics
        self._waiting: deque[Received] = deque()
        self.waiting_bytes = 0
        self._arrived = asyncio.Event()
        self._connection: MqttConnection | None = None
        self._subscribed = False
        self._number = 0

    @property
    def connected(self) -> bool:
        """Return whether the broker has granted the subscription of a connection that is still there."""
        return self._subscribed

    @property
    def waiting(self) -> int:
        """Return how many messages wait."""
        return len(self._waiting)

    async def run(self) -> None:
        """Stay connected until cancelled; a lost connection is made again after a growing delay."""
        while True:
            reason = await self.run_once()
            delay_s = self._backoff.next_delay_s()
            _log.warning("not connected to the broker", extra={"reason": reason, "retry_in_s": round(delay_s, 1)})
            await asyncio.sleep(delay_s)

    async def run_once(self) -> str:
        """Connect, receive for as long as the connection lasts, and return why it ended."""
        self._number += 1
        connection = self._connection = MqttConnection(
            self._settings,
            client_id=self._client_id,
            receive_maximum=self._in_flight,
            on_message=self._on_message,
            seen=self._seen,
        )
        try:
            await connection.open(self._filters, instead_of=self._not_ours)
            self._subscribed = True
            self._backoff.reset()
            self._metrics.connections.inc()
            _log.info("connected to the broker", extra={"url": self._settings.url, "client_id": self._client_id})
            return await connection.wait_until_lost()
        except ConnectionLostError as exc:
            return str(exc)
        finally:
            self._subscribed, self._connection = False, None
            self._waiting.clear()  # the broker sends them again
            self.waiting_bytes = 0
            await connection.close()

    async def wait(self, timeout_s: float) -> bool:
        """Return whether a message waits, at the latest when the time has passed."""
        if not self._waiting:
            self._arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._arrived.wait()
        return bool(self._waiting)

    def take(self) -> Received | None:
        """Return the oldest message that waits, None if there is none."""
        if not self._waiting:
            return None
        message = self._waiting.popleft()
        self.waiting_bytes -= len(message.payload)
        if self._connection is not None and not self._is_full():
            self._connection.listen(on=True)
        return message

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, ahead of every later acknowledgement.

        Raises:
            ConnectionLostError: there is no connection to send it on.
        """
        if self._connection is None:
            raise ConnectionLostError("not connected")
        self._connection.tell(topic, payload)

    def acknowledge(self, messages: Sequence[Received]) -> None:
        """Send the PUBACKs, except of messages whose connection is gone."""
        if self._connection is not None:
            number = self._number
            self._connection.acknowledge([one.mid for one in messages if one.connection == number and one.qos > 0])

    def _on_message(self, message: Publish) -> None:
        if message.qos == 0 and len(self._waiting) >= self._in_flight:
            self._metrics.dropped.inc()
            return
        self.waiting_bytes += len(message.payload)
        self._waiting.append(
            Received(
                topic=message.topic,
                payload=message.payload,
                user_properties=message.user_properties,
                qos=message.qos,
                mid=message.packet_id,
                connection=self._number,
            )
        )
        if self._connection is not None and self._is_full():
            self._connection.listen(on=False)
        self._arrived.set()

    def _is_full(self) -> bool:
        return self.waiting_bytes >= MAX_WAITING_BYTES or len(self._waiting) >= MAX_WAITING

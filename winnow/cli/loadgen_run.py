"""Sends the traffic of many edge boxes over one connection, and collects their receipts."""

import asyncio
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Final

from winnow.cli.loadgen_traffic import Ledger, Shape, message_of
from winnow.events.errors import ContractError
from winnow.events.mqtt import MqttMessage
from winnow.events.receipts import decode_receipt
from winnow.events.topics import receipts_topic
from winnow.gateway.intake import ConnectionLostError
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.gateway.mqtt_packets import Publish
from winnow.runtime.mqtt import MqttSettings

RETRY_AFTER_S: Final = 5.0
MAX_BACKLOG: Final = 500
"""Messages that the broker has not answered yet; more wait for it."""
MAX_OPEN: Final = 50_000
"""Messages without a receipt; more are not made, so that memory stays bounded while a gateway is away."""
WINDOW: Final = 1000
TICK_S: Final = 0.005
RECONNECT_S: Final = 0.5


class LoadGenerator:
    """Speaks for many nodes until its time is over and every receipt has come.

    Args:
        settings: the broker and the login.
        shape: what the traffic looks like.
        password: instead of the settings' password file.
        settle_s: longest wait for the last receipts.
        progress: told about the ledger once a second.

    Attributes:
        ledger: what was accepted, and what has come back.
        connections: how many the broker accepted.
        problem: why the last connection was refused or lost, None as long as there was none.
    """

    def __init__(
        self,
        settings: MqttSettings,
        shape: Shape,
        *,
        password: str | None = None,
        settle_s: float,
        progress: Callable[[Ledger], None],
    ) -> None:
        self._settings = settings
        self._password = password
        self._shape = shape
        self._settle_s = settle_s
        self._progress = progress
        self._epoch = f"load-{secrets.token_hex(6)}"
        self._connection: MqttConnection | None = None
        self.ledger = Ledger(RETRY_AFTER_S)
        self.connections = 0
        self.problem: str | None = None

    async def run(self, stopping: Event) -> dict[str, object]:
        """Send everything and return the summary; also when `stopping` is set or time is over.

        Raises:
            SettingsError: the password file or a certificate cannot be read.
        """
        began_s = time.monotonic()
        while not self._is_over(began_s, stopping):
            try:
                await self._connect()
                await self._send_until_over(began_s, stopping)
            except ConnectionLostError as exc:
                self.problem = str(exc)
                await asyncio.sleep(RECONNECT_S)
            finally:
                if self._connection is not None:
                    await self._connection.close()
        return self.summary(time.monotonic() - began_s)

    def summary(self, took_s: float) -> dict[str, object]:
        """Return the figures for people and programs."""
        ledger = self.ledger
        seconds = sorted(ledger.seconds)
        shares = {f"receipt_p{share}_s": _quantile(seconds, share / 100) for share in (50, 95, 99)}
        return {
            "epoch": self._epoch,
            "nodes": self._shape.nodes,
            "wanted": self._shape.total,
            "accepted": ledger.accepted,
            "receipted": ledger.receipted,
            "missing": ledger.missing,
            "retried": ledger.retried,
            "receipted_again": ledger.repeated,
            "connections": self.connections,
            "problem": self.problem,
            "took_s": round(took_s, 2),
            "receipts_per_s": round(ledger.receipted / max(took_s, 0.001), 1),
            **shares,
        }

    def _is_over(self, began_s: float, stopping: Event) -> bool:
        elapsed_s = time.monotonic() - began_s
        done = self.ledger.accepted >= self._shape.total and not self.ledger.missing
        return stopping.is_set() or done or elapsed_s > self._shape.duration_s + self._settle_s

    async def _connect(self) -> None:
        self._connection = MqttConnection(
            self._settings,
            client_id=self._epoch,
            receive_maximum=WINDOW,
            on_message=self._on_message,
            password=self._password,
        )
        await self._connection.open([receipts_topic("+")])
        self.connections += 1

    async def _send_until_over(self, began_s: float, stopping: Event) -> None:
        told_s = turned_s = time.monotonic()
        while not self._is_over(began_s, stopping):
            now_s = time.monotonic()
            self._send_new(now_s, now_s - began_s)
            # Boxes whose gateway is away do not send all they have again at once: never faster than they speak.
            again = int(self._shape.rate_per_s * (now_s - turned_s)) + 1
            turned_s = now_s
            for message in self.ledger.due_again(now_s, at_most=min(again, self._room())):
                self._publish(message)
            if now_s - told_s >= 1:
                told_s = now_s
                self._progress(self.ledger)
            await asyncio.sleep(TICK_S)

    def _room(self) -> int:
        return MAX_BACKLOG - self._connection.backlog if self._connection is not None else 0

    def _send_new(self, now_s: float, elapsed_s: float) -> None:
        due = min(self._shape.due(elapsed_s), self.ledger.accepted + self._room())
        while self.ledger.accepted < due and self.ledger.missing < MAX_OPEN:
            number = self.ledger.accepted
            node, sequence, message = message_of(self._shape, number, epoch=self._epoch, now=datetime.now(UTC))
            self.ledger.accept(node, sequence, message, now_s)
            self._publish(message)

    def _publish(self, message: MqttMessage) -> None:
        if self._connection is None:
            raise ConnectionLostError("not connected")
        self._connection.publish(message.topic, message.payload, message.user_properties)

    def _on_message(self, message: Publish) -> None:
        if self._connection is not None and message.qos:
            self._connection.acknowledge((message.packet_id,))
        try:
            receipt = decode_receipt(message.payload)
        except ContractError:
            return
        if receipt.epoch == self._epoch:
            self.ledger.strike_off(message.topic.split("/")[2], receipt.also, time.monotonic())


def _quantile(ordered: list[float], share: float) -> float | None:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 4) if ordered else None

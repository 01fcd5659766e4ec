"""Events from an MQTT broker, as the edges publish them: before Kafka, before the store, and without a memory."""

import asyncio
import queue
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from winnow.cloud_sink.tail.selection import Selection
from winnow.cloud_sink.tail.source import ANSWER_TIMEOUT_S, SourceError
from winnow.events import ContractError, Event
from winnow.events.batch import BatchReader
from winnow.events.mqtt import EVENT_CONTENT_TYPE, from_mqtt
from winnow.events.topics import PREFIX
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client

FILTERS: Final = (f"{PREFIX}/+/events/#", f"{PREFIX}/+/batch")
POLL_S: Final = 0.2
QUEUE_SIZE: Final = 10_000
"""Events that wait for a slow terminal; when it is full, new ones are not shown."""


class MqttSource:
    """Subscribes to every node's events; a session of its own that the broker forgets.

    Args:
        settings: where the broker is and how to log in.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self.name = f"the MQTT broker at {settings.url.rpartition('://')[2]}"
        self._events: queue.Queue[Event] = queue.Queue(QUEUE_SIZE)
        self._reader = BatchReader()
        self._answer: queue.Queue[str] = queue.Queue()
        self._client = new_client(settings, client_id=f"winnow-tail-{uuid.uuid4().hex[:12]}")
        self._client.connect_timeout = ANSWER_TIMEOUT_S
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def open(self) -> None:
        """See `EventSource.open`."""
        try:
            await asyncio.wait_for(asyncio.to_thread(self._connect), ANSWER_TIMEOUT_S + 1)
            refusal = await asyncio.to_thread(self._answer.get, timeout=ANSWER_TIMEOUT_S)
        except (OSError, ValueError, TimeoutError) as exc:
            raise SourceError(f"{self.name} does not answer: {exc}") from exc
        except queue.Empty as exc:
            raise SourceError(f"{self.name} does not answer: not MQTT 5, or too slow") from exc
        if refusal:
            raise SourceError(f"{self.name} refuses: {refusal}")

    async def backlog(self, _selection: Selection, _lines: int | None) -> list[Event]:
        """See `EventSource.backlog`: a broker keeps none."""
        return []

    async def live(self) -> AsyncIterator[list[Event]]:
        """See `EventSource.live`; a lost connection is made again and what was published meanwhile is not shown."""
        while True:
            found: list[Event] = []
            while not self._events.empty():
                found.append(self._events.get_nowait())
            yield found
            if not found:
                await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """See `EventSource.close`."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _connect(self) -> None:
        host, port = self._settings.address
        properties = connect_properties(session_expiry_s=0)
        self._client.connect(host, port, self._settings.keepalive_s, clean_start=True, properties=properties)
        code = self._client.loop_start()
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise OSError(f"the network thread did not start: {code}")

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._answer.put(str(code))
        else:
            client.subscribe([(name, SubscribeOptions(qos=0)) for name in FILTERS])

    def _on_subscribe(
        self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._answer.put(next((str(code) for code in codes if code.is_failure), ""))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            for topic, payload in self._singles(message.topic, bytes(message.payload)):
                event = from_mqtt(topic, payload, ())
                if isinstance(event, Event):
                    self._events.put_nowait(event)
        except (ContractError, queue.Full):
            return  # the gateway takes care of what breaks the contract; a terminal cannot hold up the broker

    def _singles(self, topic: str, payload: bytes) -> list[tuple[str, bytes]]:
        """Return the events of a batch, or the one event that came on a topic of its own."""
        if not topic.endswith("/batch"):
            return [(topic, payload)]
        parts = self._reader.messages_of(topic, payload)
        return [(part.topic, part.payload) for part in parts if part.content_type == EVENT_CONTENT_TYPE]

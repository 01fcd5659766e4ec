"""An MQTT client of the security tests: whoever it is, it says what it was told and what was delivered to it."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client
from winnow.runtime.tls import TlsSettings

WITHIN_S: Final = 10.0


def tls_of(authority: Path, name: str | None, *, trusts: Path | None = None) -> TlsSettings:
    """Return the settings with which the holder of a certificate connects, or somebody without one."""
    ca = (trusts or authority) / "ca.pem"
    if name is None:
        return TlsSettings(ca_file=ca)
    folder = authority / name
    return TlsSettings(ca_file=ca, certificate_file=folder / "certificate.pem", key_file=folder / "key.pem")


class SecurityClient:
    """One connection, which may be refused.

    Args:
        port: of the broker on loopback.
        tls: None connects in plain text.
        client_id: what the client says it is.
        keeps_session: the broker keeps its session, and hands it what came in the meantime.

    Attributes:
        delivered: topic and payload of each message, in order.
        granted: reason codes of the last SUBACK.
    """

    def __init__(
        self,
        port: int,
        tls: TlsSettings | None,
        *,
        client_id: str = "somebody",
        keeps_session: bool = False,
    ) -> None:
        self.delivered: list[tuple[str, bytes]] = []
        self.granted: list[ReasonCode] = []
        self.answers: list[ReasonCode] = []
        self._connected = Flag()
        self.ended = Flag()
        scheme = "mqtt" if tls is None else "mqtts"
        settings = MqttSettings(url=f"{scheme}://localhost:{port}", tls=tls or TlsSettings())
        self._client = new_client(settings, client_id=client_id, reconnects=False)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = lambda *_: self.ended.set()
        self._client.on_message = self._on_message
        self._client.on_subscribe = lambda _client, _data, _mid, codes, _properties: self.granted.extend(codes)
        self._client.on_publish = lambda _client, _data, _mid, code, _properties: self.answers.append(code)
        properties = connect_properties(session_expiry_s=600 if keeps_session else 0)
        self.problem: str | None = None
        try:
            self._client.connect("localhost", port, clean_start=not keeps_session, properties=properties)
        except (OSError, ValueError) as exc:
            self.problem = repr(exc)
            self.ended.set()
            return
        self._client.loop_start()
        eventually(lambda: self._connected.is_set() or self.ended.is_set())

    @property
    def connected(self) -> bool:
        """Return whether the broker accepted the client, and it is still there."""
        return self._connected.is_set() and not self.ended.is_set()

    def subscribe(self, *filters: str) -> None:
        """Subscribe at QoS 1; return when the broker has answered or the connection has ended."""
        self.granted.clear()
        self._client.subscribe([(name, 1) for name in filters])
        eventually(lambda: len(self.granted) == len(filters) or self.ended.is_set())

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> ReasonCode | None:
        """Publish at QoS 1; return the broker's answer, None if there was none."""
        if self.problem is not None:
            return None
        before = len(self.answers)
        self._client.publish(topic, payload, qos=1, retain=retain)
        eventually(lambda: len(self.answers) > before or self.ended.is_set())
        return self.answers[-1] if len(self.answers) > before else None

    def payloads(self) -> list[bytes]:
        """Return what was delivered so far."""
        return [payload for _, payload in self.delivered]

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: Any, _data: object, _flags: object, code: ReasonCode, _properties: object) -> None:
        if not code.is_failure:
            self._connected.set()

    def _on_message(self, _client: Any, _data: object, message: MQTTMessage) -> None:
        self.delivered.append((message.topic, bytes(message.payload)))


def eventually(condition: Callable[[], object], *, within_s: float = WITHIN_S) -> bool:
    """Return True as soon as the condition holds, False if it does not in time."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())

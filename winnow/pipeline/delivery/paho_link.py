"""One connection to the broker through paho: its network thread reports, nobody waits for it.

paho's own reconnecting is off: it would keep what it had queued and send it again without asking the spool. An
exception in a callback would end paho's network thread without a word; so each callback is guarded, and `fault` notices
a thread that has ended all the same, or one that hears nothing.
"""

import logging
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Event as Flag
from threading import Lock, Thread, current_thread
from typing import Any, Concatenate, Final, ParamSpec

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import LogLevel, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from winnow.events.mqtt import MqttMessage
from winnow.events.status import NodeStatus
from winnow.events.topics import commands_topic, receipts_topic
from winnow.pipeline.delivery.aliases import Alias
from winnow.pipeline.delivery.link import Answered, Arrived, Commanded, Connect, Connected, Ended, Link, Report
from winnow.pipeline.delivery.metrics import RefusalReason
from winnow.pipeline.delivery.statuses import node_status_message
from winnow.runtime.clock import Clock
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client
from winnow.runtime.tls import CertificateWatch, Seen

logger = logging.getLogger(__name__)

CONNECT_WITHIN_S: Final = 10.0
"""A broker that does not answer CONNECT in this time is given up."""

DISCONNECT_WITHIN_S: Final = 1.0
"""An orderly end may take so long before the socket is closed."""

SILENT_KEEPALIVES: Final = 3
"""paho itself closes after two keepalives without an answer; after three it is paho that hangs."""

SESSION_S: Final = 60
"""The broker keeps a session so long: a connection that is made anew for a renewed certificate finds its receipts."""

_MAX_REPORTS: Final = 4096
"""Kept for a publisher that is busy. The oldest go first; what a lost receipt names is published again."""

_HUNG_UP: Final = "the broker hung up without a word: does it accept this node's certificate?"

_DEFAULT_RECEIVE_MAXIMUM: Final = 65535

_REFUSALS: Final[dict[int, RefusalReason]] = {
    0x10: "no_subscriber",
    0x87: "not_authorized",
    0x95: "size",
    0x97: "quota",
}

P = ParamSpec("P")


def _guarded(callback: Callable[Concatenate["PahoLink", P], None]) -> Callable[Concatenate["PahoLink", P], None]:
    def guarded(self: "PahoLink", /, *args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(self, *args, **kwargs)
        except Exception:
            logger.exception("MQTT callback failed", extra={"callback": callback.__name__})
            self._report(Ended("a callback failed"))

    return guarded


class PahoLink:
    """A `Link` that subscribes to receipts and commands as soon as it is connected.

    Args:
        settings: where the broker is.
        client_id: what the broker knows this node by.
        receipts_topic: subscribed to, QoS 1; a connection that may not do so ends.
        commands_topic: subscribed to, QoS 1; a broker may forbid it.
        will: published by the broker, retained, when the connection ends without being closed.
        wake: called from the network thread when there is something to report.
        clock: times the silence.
        resumes: True takes over the session of the link before, False begins a new one.
        seen: told of the certificate that the broker shows.

    Attributes:
        can_be_resumed: whether the session waits for a link with a renewed certificate.

    Raises:
        OSError: the broker cannot be reached.
        SettingsError: a certificate or the password cannot be read.
    """

    def __init__(  # noqa: PLR0913 - what a connection depends on
        self,
        settings: MqttSettings,
        *,
        client_id: str,
        receipts_topic: str,
        commands_topic: str,
        will: MqttMessage,
        wake: Callable[[], None],
        clock: Clock,
        resumes: bool = False,
        seen: Seen | None = None,
    ) -> None:
        self.can_be_resumed = False
        self._outdated = False
        self._failure: str | None = None
        self._certificate = CertificateWatch(settings.tls, clock)
        self._receipts_topic = receipts_topic
        self._commands_topic = commands_topic
        self._wake = wake
        self._clock = clock
        self._silence_s = SILENT_KEEPALIVES * settings.keepalive_s
        self._reports: deque[Report] = deque(maxlen=_MAX_REPORTS)
        self._lock = Lock()
        self._unanswered = 0
        self._receive_maximum = 0
        self._network: Thread | None = None
        self._over = Flag()
        self._opened_at_s = self._heard_at_s = clock.monotonic_s()
        self._client = new_client(settings, client_id=client_id, reconnects=False, seen=seen)
        self._open(settings, will, resumes=resumes)

    def _open(self, settings: MqttSettings, will: MqttMessage, *, resumes: bool) -> None:
        client = self._client
        client.max_inflight_messages_set(0)  # no limit of paho's own: `room` keeps to the broker's
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        client.will_set(
            will.topic, will.payload, qos=1, retain=True, properties=_properties(will, PacketTypes.WILLMESSAGE)
        )
        client.connect(
            *settings.address,
            keepalive=settings.keepalive_s,
            clean_start=not resumes,
            properties=connect_properties(session_expiry_s=SESSION_S),
        )
        client.loop_start()

    def publish(self, message: MqttMessage, *, retain: bool = False, alias: Alias | None = None) -> int | None:
        """See `Link.publish`."""
        with self._lock:
            if self._over.is_set() or self._receive_maximum == 0:
                return None
            self._unanswered += 1
        properties = _properties(message, PacketTypes.PUBLISH)
        if alias is not None:
            properties.TopicAlias = alias.number
        topic = "" if alias is not None and alias.is_known else message.topic
        sent = self._client.publish(topic, message.payload, qos=1, retain=retain, properties=properties)
        return sent.mid if sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    @property
    def room(self) -> int:
        """See `Link.room`."""
        return self._receive_maximum - self._unanswered

    def reports(self) -> list[Report]:
        """See `Link.reports`."""
        taken = []
        with suppress(IndexError):
            while True:
                taken.append(self._reports.popleft())
        return taken

    def fault(self) -> str | None:
        """See `Link.fault`."""
        now_s = self._clock.monotonic_s()
        if self._network is None:
            return "no answer to CONNECT" if now_s - self._opened_at_s > CONNECT_WITHIN_S else None
        if not self._network.is_alive():
            return "the network thread has ended"
        return "nothing heard from the broker" if now_s - self._heard_at_s > self._silence_s else None

    def is_outdated(self) -> bool:
        """See `Link.is_outdated`."""
        self._outdated = self._outdated or self._certificate.has_changed()
        return self._outdated

    def close(self, *, orderly: bool) -> None:
        """See `Link.close`; a second call changes nothing."""
        self.can_be_resumed = orderly and self._outdated
        if orderly and not self._over.is_set():
            self._client.disconnect()
            self._over.wait(DISCONNECT_WITHIN_S)
        self._over.set()
        connection = self._client.socket()
        if isinstance(connection, socket.socket):  # TLS sockets are, too
            with suppress(OSError, ValueError):
                connection.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def _report(self, report: Report) -> None:
        self._reports.append(report)
        self._wake()

    @_guarded
    def _on_connect(
        self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._network = current_thread()
        if reason.is_failure:
            self._report(Ended(f"refused: {reason}"))
            return
        self._client.subscribe(
            [(topic, SubscribeOptions(qos=1)) for topic in (self._receipts_topic, self._commands_topic)]
        )
        self._receive_maximum = getattr(properties, "ReceiveMaximum", _DEFAULT_RECEIVE_MAXIMUM)
        connected = Connected(
            max_packet_bytes=getattr(properties, "MaximumPacketSize", None),
            topic_alias_maximum=getattr(properties, "TopicAliasMaximum", 0),
        )
        self._report(connected)

    @_guarded
    def _on_subscribe(self, _client: Client, _data: Any, _id: int, reasons: list[ReasonCode], _properties: Any) -> None:
        receipts, commands = reasons
        if receipts.is_failure:
            self._report(Ended(f"may not subscribe to {self._receipts_topic}: {receipts}"))
        elif commands.is_failure:
            facts = {"topic": self._commands_topic, "reason": str(commands)}
            logger.warning("Broker forbids commands to this node; all else works", extra=facts)

    @_guarded
    def _on_publish(self, _client: Client, _data: Any, packet_id: int, reason: ReasonCode, _properties: Any) -> None:
        with self._lock:
            self._unanswered -= 1
        code = reason.value
        refused = reason.is_failure or code in _REFUSALS
        self._report(Answered(packet_id, _REFUSALS.get(code, "other") if refused else None))

    @_guarded
    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        if message.topic != self._commands_topic:
            self._report(Arrived(bytes(message.payload)))
        elif not message.retain:  # one that the broker kept is an order of another time
            self._report(Commanded(bytes(message.payload)))

    @_guarded
    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._over.set()
        self._report(Ended(f"{reason}: {self._failure}" if self._failure else str(reason)))

    def _on_log(self, _client: Client, _data: Any, level: int, text: str) -> None:
        """Note when the broker was last heard, and what went wrong; paho tells of it in no other way.

        A broker that refuses a certificate says why in TLS alone: for paho that is an "Unspecified error". Mosquitto
        2.0.11 hangs up without saying it about every other time.
        """
        if text.startswith("Received "):
            self._heard_at_s = self._clock.monotonic_s()
        elif level == LogLevel.MQTT_LOG_ERR:
            self._failure = f"{text}; {_HUNG_UP}" if "EOF occurred" in text else text


def paho_connect(settings: MqttSettings, *, node: str, version: str, clock: Clock, seen: Seen | None = None) -> Connect:
    """Return what starts a node's links: it hears its receipts, and its last will says `offline`.

    `seen` is told of the certificate that the broker shows.

    Raises:
        SettingsError: a certificate or the password cannot be read.
    """
    last: list[PahoLink] = []
    new_client(settings, client_id=node)  # wrong settings end the start, not every connection after it

    def connect(wake: Callable[[], None]) -> Link:
        offline = NodeStatus(state="offline", since=clock.now(), version=version)
        link = PahoLink(
            settings,
            client_id=f"winnow-edge-{node}",
            receipts_topic=receipts_topic(node),
            commands_topic=commands_topic(node),
            will=node_status_message(node, offline),
            wake=wake,
            clock=clock,
            resumes=any(former.can_be_resumed for former in last),
            seen=seen,
        )
        last[:] = [link]
        return link

    return connect


def _properties(message: MqttMessage, packet_type: int) -> Properties:
    properties = Properties(packet_type)  # type: ignore[no-untyped-call]
    if message.content_type:
        properties.ContentType = message.content_type
    if message.user_properties:
        properties.UserProperty = list(message.user_properties)
    return properties

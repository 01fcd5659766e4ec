"""Is the broker there, does it let this node in, and may the node say and hear what it must?

What is published means nothing to whoever reads it: the state of a camera that does not exist is cleared, and not
retained. A broker that takes a subscription and then withholds its messages (Mosquitto with an ACL file does) cannot be
told from an open one; what it does not let through it says of a message that it refuses.
"""

import secrets
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Event as Flag
from typing import Any, Final

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from winnow.cli.diagnosis.finding import Finding, good, problem, warning
from winnow.events.topics import PREFIX, camera_status_topic, commands_topic, receipts_topic
from winnow.runtime.certificates import term_of
from winnow.runtime.clock import Clock
from winnow.runtime.mqtt import MqttSettings, connect_properties, new_client
from winnow.runtime.settings import SettingsError
from winnow.runtime.tls import Seen, ServerCertificate, client_context

PART: Final = "broker"
REFUSED_WITHIN_S: Final = 1.0
"""After a handshake; a link on which it takes longer is told of as a broker that does not answer."""
NO_CAMERA: Final = "winnow-doctor"
"""A camera that no node has."""

_LOGIN_REFUSALS: Final = frozenset({0x86, 0x87})
"""Bad user name or password; not authorized. Source: MQTT 5.0, section 3.2.2.2."""


@dataclass(slots=True)
class _Heard:
    """What the broker answered; written by paho's thread."""

    connected: Flag = field(default_factory=Flag)
    subscribed: Flag = field(default_factory=Flag)
    published: Flag = field(default_factory=Flag)
    refusal: ReasonCode | None = None
    refused_topics: list[str] = field(default_factory=list)
    refuses_messages: bool = False
    at_s: float = 0.0


def examine_broker(settings: MqttSettings, node: str, clock: Clock, *, within_s: float) -> Finding:
    """Return whether this node can work with its broker.

    Args:
        settings: where it is.
        node: whose topics are asked for; a client id of its own leaves an edge that runs alone.
        clock: times the answers.
        within_s: how long each step may take.
    """
    try:
        client = new_client(settings, client_id=f"winnow-doctor-{node}-{secrets.token_hex(3)}", reconnects=False)
    except SettingsError as exc:
        return problem(PART, str(exc), "correct the section mqtt of the settings")
    shown: list[ServerCertificate] = []
    try:
        _reach(settings, within_s, shown.append)
    except OSError as exc:
        return _unreachable(settings, exc)
    client.connect_timeout = within_s
    heard = _Heard()
    _listen(client, _topics(node), heard, clock)
    try:
        return _with_certificate(_talk(client, settings, node, heard, clock, within_s), shown, clock)
    except OSError as exc:
        return _unreachable(settings, exc)
    finally:
        client.disconnect()
        client.loop_stop()


def _topics(node: str) -> tuple[str, str]:
    return receipts_topic(node), commands_topic(node)


def _with_certificate(found: Finding, shown: list[ServerCertificate], clock: Clock) -> Finding:
    """Return the finding, and whether the broker's certificate ends soon."""
    if not shown or found.status == "problem":
        return found
    term = term_of(PART, shown[-1])
    facts = {**found.facts, "certificate_not_after": term.not_after.isoformat()}
    if not term.ends_soon(clock.now()):
        return replace(found, facts=facts)
    said = f"{found.said}; its certificate ends on {term.not_after:%Y-%m-%d}"
    return replace(found, status="warning", said=said, advice="have the broker's certificate renewed", facts=facts)


def _reach(settings: MqttSettings, within_s: float, seen: Seen) -> None:
    """Return if the port takes connections, and TLS ones where that is asked for, whose certificate is told.

    With TLS 1.3 the client is through with its handshake before the server has looked at the client's certificate; a
    refusal comes afterwards, so it is waited for. A broker that lets the client in waits for its first packet.

    Raises:
        OSError: it does not.
    """
    host, port = settings.address
    with socket.create_connection((host, port), timeout=within_s) as connection:
        if settings.has_tls:
            with client_context(settings.tls, seen).wrap_socket(connection, server_hostname=host) as secured:
                secured.settimeout(min(REFUSED_WITHIN_S, within_s))
                with suppress(TimeoutError):
                    secured.recv(1)


def _listen(client: Client, topics: tuple[str, ...], heard: _Heard, clock: Clock) -> None:
    def on_connect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        heard.refusal = reason if reason.is_failure else None
        heard.connected.set()

    def on_subscribe(_client: Client, _data: Any, _id: int, reasons: list[ReasonCode], _properties: Any) -> None:
        heard.at_s = clock.monotonic_s()
        heard.refused_topics = [topic for topic, reason in zip(topics, reasons, strict=False) if reason.is_failure]
        heard.subscribed.set()

    def on_publish(_client: Client, _data: Any, _id: int, reason: ReasonCode, _properties: Any) -> None:
        heard.refuses_messages = reason.is_failure
        heard.published.set()

    client.on_publish = on_publish
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe


def _talk(  # noqa: PLR0913, PLR0917 - one conversation
    client: Client,
    settings: MqttSettings,
    node: str,
    heard: _Heard,
    clock: Clock,
    within_s: float,
) -> Finding:
    host, port = settings.address
    topics = _topics(node)
    began_s = clock.monotonic_s()
    client.connect(host, port, keepalive=60, clean_start=True, properties=connect_properties(session_expiry_s=0))
    client.loop_start()
    if not heard.connected.wait(within_s):
        said = f"{host}:{port} takes the connection and does not answer within {within_s:g} s"
        return problem(PART, said, "is that the broker's port, and is TLS (mqtts://) or none (mqtt://) right?")
    if heard.refusal is not None:
        is_login = heard.refusal.value in _LOGIN_REFUSALS
        advice = "correct mqtt.username and mqtt.password_file" if is_login else "look into the broker's log"
        return problem(PART, f"{host}:{port} refuses: {heard.refusal}", advice)
    connected_ms, asked_s = 1000 * (clock.monotonic_s() - began_s), clock.monotonic_s()
    sent, _ = client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])
    if sent != MQTTErrorCode.MQTT_ERR_SUCCESS or not heard.subscribed.wait(within_s):
        return problem(PART, f"{host}:{port} ends the conversation", "look into the broker's log")
    client.publish(camera_status_topic(node, NO_CAMERA), b"", qos=1)
    if not heard.published.wait(within_s):
        return problem(PART, f"{host}:{port} does not confirm a message", "look into the broker's log")
    return _judged(settings, node, topics, heard, connected_ms, 1000 * (heard.at_s - asked_s))


def _judged(  # noqa: PLR0913, PLR0917 - what was heard, and of whom
    settings: MqttSettings, node: str, topics: tuple[str, str], heard: _Heard, connected_ms: float, answer_ms: float
) -> Finding:
    host, port = settings.address
    has_tls = settings.has_tls
    secured = "TLS" if has_tls else "no TLS"
    said = f"{host}:{port}, {secured}, connected in {connected_ms:.0f} ms, round trip {answer_ms:.1f} ms"
    facts = {"tls": has_tls, "connected_ms": round(connected_ms, 1), "round_trip_ms": round(answer_ms, 2)}
    if heard.refuses_messages:
        advice = f"let this login write {PREFIX}/{node}/# in the broker's ACL: nothing leaves this box"
        return problem(PART, f"{said}; messages are refused", advice, **facts)
    if topics[0] in heard.refused_topics:
        advice = f"let this login read {topics[0]} in the broker's ACL: without receipts the spool fills up"
        return problem(PART, f"{said}; receipts are forbidden", advice, **facts)
    if heard.refused_topics:
        advice = f"let this login read {topics[1]} in the broker's ACL, if commands are wanted"
        return warning(PART, f"{said}; commands are forbidden", advice, **facts)
    if settings.username is not None and not has_tls and not _is_here(host):
        return warning(PART, said, "the password travels in the clear: use mqtts://", **facts)
    return good(PART, said, **facts)


def _unreachable(settings: MqttSettings, exc: OSError) -> Finding:
    host, port = settings.address
    if isinstance(exc, ssl.SSLCertVerificationError):
        said = f"its certificate is not trusted: {exc.verify_message}"
        advice = "set mqtt.tls.ca_file, or use the name that the certificate is for"
    elif isinstance(exc, ssl.SSLError) and "_ALERT_" in (exc.reason or ""):
        words = str(exc.reason).partition("_ALERT_")[2].replace("_", " ").lower()
        said = f"refuses this node's certificate: {words}"
        advice = (
            "name one of the broker's authority in mqtt.tls that is neither over nor revoked (winnow pki node, renew)"
        )
    elif isinstance(exc, ssl.SSLError) or (isinstance(exc, ConnectionResetError) and settings.has_tls):
        said, advice = f"no TLS there: {exc.strerror or exc}", "use mqtt:// or the broker's TLS port, usually 8883"
    elif isinstance(exc, socket.gaierror):
        said, advice = "no such host", "correct mqtt.url, or look at this box's name server"
    elif isinstance(exc, TimeoutError):
        said, advice = "no answer", "look at address, network and firewall"
    else:
        said, advice = str(exc.strerror or exc).lower(), "start the broker, or correct mqtt.url"
    return problem(PART, f"{host}:{port}: {said}", advice)


def _is_here(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")

"""An MQTT 5 client made from settings: address, login, TLS and session, the same for every process."""

import socket
from typing import Annotated, Final
from urllib.parse import urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import AfterValidator, Field

from winnow.runtime.settings import Settings, SettingsError, SettingsPath
from winnow.runtime.tls import Seen, TlsSettings, client_context

_DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
SESSION_EXPIRY_S: Final = 7 * 24 * 3600
"""How long the broker keeps the session of a client that is away."""

UNCONFIRMED_MS: Final = 10_000
"""A connection whose other end confirms nothing for so long is over."""


def _check_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("write mqtt://HOST:PORT or mqtts://HOST:PORT")
    if parts.username or parts.password:
        raise ValueError("no login in the URL: use username and password_file")
    return url


class MqttSettings(Settings):
    """Where the broker is and how to log in.

    Attributes:
        url: `mqtt://HOST[:PORT]` or, with TLS, `mqtts://HOST[:PORT]`.
        username: login, if the broker asks for one.
        password_file: a file that holds the password alone.
        tls: certificates, for `mqtts`.
        keepalive_s: a silent connection is probed this often and given up after one and a half times as long.
    """

    url: Annotated[str, AfterValidator(_check_url)] = "mqtt://127.0.0.1:1883"
    username: str | None = None
    password_file: SettingsPath | None = None
    tls: TlsSettings = TlsSettings()
    keepalive_s: int = Field(default=15, ge=5, le=3600)

    @property
    def address(self) -> tuple[str, int]:
        """Return host and port."""
        parts = urlsplit(self.url)
        return str(parts.hostname), parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def has_tls(self) -> bool:
        """Return whether the broker is reached over TLS."""
        return urlsplit(self.url).scheme == "mqtts"


def new_client(
    settings: MqttSettings,
    *,
    client_id: str,
    manual_ack: bool = False,
    reconnects: bool = True,
    seen: Seen | None = None,
) -> Client:
    """Return a paho client (MQTT 5, callback API 2) with login and TLS set, not connected yet.

    Args:
        settings: where the broker is.
        client_id: what the broker knows this client by.
        manual_ack: True leaves the acknowledgement of what arrives to the caller.
        reconnects: False lets the client's thread end with its first connection.
        seen: told of the certificate that the broker shows.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=reconnects,
        manual_ack=manual_ack,
    )
    client.on_socket_open = lambda _client, _data, connection: prepare_socket(connection)
    if settings.username is not None:
        client.username_pw_set(settings.username, password_of(settings))
    if settings.has_tls:
        client.tls_set_context(client_context(settings.tls, seen))
    return client


def connect_properties(*, session_expiry_s: int, receive_maximum: int = 100) -> Properties:
    """Return CONNECT properties.

    Args:
        session_expiry_s: 0 ends the session with the connection.
        receive_maximum: most QoS 1 messages that the broker sends ahead of their acknowledgement.
    """
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = session_expiry_s
    properties.ReceiveMaximum = receive_maximum
    return properties


def prepare_socket(connection: object) -> None:
    """Turn Nagle's algorithm off, and give a connection up on which nothing that was sent is confirmed any more.

    With Nagle's algorithm a small message waits up to 40 ms for the other end's delayed ACK. And a cable that is pulled
    and put back tells nobody: TCP tries again after intervals that double, so that after an outage of 13 s the next try
    is 12 s away. A new connection is there sooner. Source: tcp(7), TCP_USER_TIMEOUT.
    """
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNCONFIRMED_MS)


def password_of(settings: MqttSettings) -> str | None:
    """Return the password, None if there is no file for it.

    Raises:
        SettingsError: the file cannot be read.
    """
    path = settings.password_file
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"mqtt.password_file: {path} cannot be read") from exc

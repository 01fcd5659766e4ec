"""Kafka connection settings, the same for producer and consumers."""

from pathlib import Path
from typing import Any, Literal

from winnow.runtime.settings import Settings, SettingsError, SettingsPath
from winnow.runtime.tls import Seen, TlsSettings, client_context


class KafkaSettings(Settings):
    """Where Kafka is and how to log in.

    Attributes:
        bootstrap_servers: `HOST:PORT[,HOST:PORT…]`.
        security_protocol: as Kafka names them.
        sasl_mechanism: used with the two SASL protocols.
        username: SASL login.
        password_file: a file that holds the password alone.
        tls: certificates, for the two SSL protocols.
    """

    bootstrap_servers: str = "127.0.0.1:9092"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    username: str | None = None
    password_file: SettingsPath | None = None
    tls: TlsSettings = TlsSettings()

    @property
    def has_tls(self) -> bool:
        """Return whether Kafka is reached over TLS."""
        return self.security_protocol.endswith("SSL")

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Return host and port of each server that is named."""
        named = (server.strip().rpartition(":") for server in self.bootstrap_servers.split(","))
        return [(host.strip("[]"), int(port)) for host, _, port in named if host and port.isdecimal()]


def client_arguments(settings: KafkaSettings, seen: Seen | None = None) -> dict[str, Any]:
    """Return the keyword arguments that every aiokafka client shares.

    Args:
        settings: where Kafka is and how to log in.
        seen: told of the certificates that Kafka's servers show.

    Raises:
        SettingsError: the password file or a certificate cannot be read.
    """
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.has_tls:
        arguments["ssl_context"] = client_context(settings.tls, seen)
    if settings.security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": _password(settings.password_file),
        }
    return arguments


def _password(path: Path | None) -> str:
    if path is None:
        raise SettingsError("kafka.password_file: needed with a SASL protocol")
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"kafka.password_file: {path} cannot be read") from exc

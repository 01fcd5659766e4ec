"""TLS settings and the context they make."""

import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from winnow.runtime.clock import Clock
from winnow.runtime.file_watch import FileWatch
from winnow.runtime.settings import Settings, SettingsError, SettingsPath

_log: Final = logging.getLogger(__name__)


class TlsSettings(Settings):
    """Files of one end of a TLS connection.

    Attributes:
        ca_file: certificates that the other end must chain to; the system's own if absent.
        certificate_file: this end's certificate chain (PEM), for servers that ask for one.
        key_file: the key of `certificate_file` (PEM).
    """

    ca_file: SettingsPath | None = None
    certificate_file: SettingsPath | None = None
    key_file: SettingsPath | None = None

    @property
    def files(self) -> list[Path]:
        """Return every file that is named."""
        return [path for path in (self.ca_file, self.certificate_file, self.key_file) if path is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCertificate:
    """What a server has shown, and a handshake has verified.

    Attributes:
        host: the name under which it was reached.
        not_before: valid from, UTC.
        not_after: valid until, UTC.
    """

    host: str
    not_before: datetime
    not_after: datetime


Seen = Callable[[ServerCertificate], None]
"""Told of each server's certificate, on the thread whose handshake it is; must not block nor raise."""


def client_context(settings: TlsSettings, seen: Seen | None = None) -> ssl.SSLContext:
    """Return a context that verifies the server's name and chain, TLS 1.2 at least.

    Args:
        settings: the files of this end.
        seen: told of the server's certificate after each handshake.

    Raises:
        SettingsError: a file is missing or holds no usable certificate or key.
    """
    for path in settings.files:
        _check_readable(path)
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"tls: {exc}; check ca_file, certificate_file and key_file") from exc
    if seen is not None:
        _tell_after_handshakes(context, seen)
    return context


def _tell_after_handshakes(context: ssl.SSLContext, seen: Seen) -> None:
    """Let the context make connections that tell what the server has shown.

    Every library comes through here, whether it wraps a socket or, as asyncio does, two buffers; none of them hands its
    certificates out in the same way. Source: Python's `ssl`, `SSLContext.sslsocket_class` and `sslobject_class`.
    """

    class TellingSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as it is inherited
            super().do_handshake(block)
            seen(_shown_by(self))

    class TellingObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            seen(_shown_by(self))

    context.sslsocket_class, context.sslobject_class = TellingSocket, TellingObject


def _shown_by(connection: ssl.SSLSocket | ssl.SSLObject) -> ServerCertificate:
    shown = connection.getpeercert() or {}
    not_before, not_after = (
        datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown[name])), UTC) for name in ("notBefore", "notAfter")
    )
    return ServerCertificate(host=str(connection.server_hostname), not_before=not_before, not_after=not_after)


def _check_readable(path: Path) -> None:
    """Raise the SettingsError that names the file, which OpenSSL's own errors do not."""
    try:
        path.open("rb").close()
    except OSError as exc:
        raise SettingsError(f"tls: {path}: {exc.strerror}") from exc


class CertificateWatch:
    """Notices that a renewed certificate has been put in the place of the one in use.

    Args:
        settings: whose files are watched.
        clock: tells when to look again.
    """

    def __init__(self, settings: TlsSettings, clock: Clock) -> None:
        self._settings = settings
        self._watches = [FileWatch(path, clock) for path in settings.files]

    def has_changed(self) -> bool:
        """Return whether files have changed since the last True, and can be used; looks once a second.

        A certificate whose key has not come yet, or that is damaged, changes nothing: what is in use stays in use.
        """
        if not any([watch.has_changed() for watch in self._watches]):  # noqa: C419 - each of them has to look
            return False
        try:
            client_context(self._settings)
        except SettingsError as exc:
            _log.warning("A changed certificate cannot be used; the old one stays", extra={"reason": str(exc)})
            return False
        return True

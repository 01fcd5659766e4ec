"""TLS settings and the context they make."""

import ssl

from winnow.runtime.settings import Settings, SettingsError, SettingsPath


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


def client_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context that verifies the server's name and chain, TLS 1.2 at least.

    Raises:
        SettingsError: a file is missing or holds no usable certificate or key.
    """
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as exc:
        raise SettingsError(f"tls: {exc}; check ca_file, certificate_file and key_file") from exc
    return context

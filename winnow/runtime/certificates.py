"""When the certificates end that a process shows, and those that it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final, Literal

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from winnow.runtime.tls import Seen, ServerCertificate

SOON: Final = timedelta(days=14)
"""A certificate of 90 days that is renewed when 30 are left never gets so old: who reads the warning has two weeks."""
SHARE: Final = 3
"""One that lasts for days has its warning when a third of its time is left. Source of the third: RFC 9773's common
renewal at two thirds of the lifetime."""

Whose = Literal["own", "server"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTerm:
    """For how long one certificate is good.

    Attributes:
        connection: what it is shown on: `mqtt`, `kafka`, `store`, `page`.
        whose: this process's own, or the server's.
        not_before: valid from, UTC.
        not_after: valid until, UTC.
    """

    connection: str
    whose: Whose
    not_before: datetime
    not_after: datetime

    def ends_soon(self, now: datetime) -> bool:
        """Return whether it is time to renew it, or too late."""
        return self.not_after - now < min(SOON, (self.not_after - self.not_before) / SHARE)


class Certificates:
    """The certificates of one process; safe to use from several threads.

    Args:
        own: connection → the file whose first certificate this process shows there.
    """

    def __init__(self, own: Mapping[str, Path | None]) -> None:
        self._own = {connection: path for connection, path in own.items() if path is not None}
        self._lock = Lock()
        self._servers: dict[str, dict[str, ServerCertificate]] = {}

    def seen_on(self, connection: str) -> Seen:
        """Return what notes the certificates that servers show on a connection; the newest of each host counts."""

        def note(shown: ServerCertificate) -> None:
            with self._lock:
                self._servers.setdefault(connection, {})[shown.host] = shown

        return note

    def replace_servers(self, connection: str, shown: Sequence[ServerCertificate]) -> None:
        """The servers of a connection have shown these and, as far as is known now, no others."""
        with self._lock:
            self._servers[connection] = {one.host: one for one in shown}

    def terms(self) -> list[CertificateTerm]:
        """Return what is known, own ones first; of several servers the one whose certificate ends first."""
        with self._lock:
            servers = {connection: list(shown.values()) for connection, shown in self._servers.items() if shown}
        first = {connection: min(shown, key=lambda one: one.not_after) for connection, shown in sorted(servers.items())}
        return [
            *(term for connection, path in self._own.items() if (term := read_term(connection, path)) is not None),
            *(term_of(connection, shown) for connection, shown in first.items()),
        ]


class CertificateCollector(Collector):
    """Serves the end of each certificate.

    Args:
        certificates: which ones there are.
    """

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    def collect(self) -> Iterator[Metric]:
        """Return what is known now."""
        ends = GaugeMetricFamily(
            "winnow_certificate_not_after_timestamp_seconds",
            "When a certificate ends: this process's own, or the one that a server has shown.",
            labels=["connection", "whose"],
        )
        for term in self._certificates.terms():
            ends.add_metric([term.connection, term.whose], term.not_after.timestamp())
        yield ends


def read_term(connection: str, path: Path) -> CertificateTerm | None:
    """Return the term of the first certificate in a file; None if there is none, for who uses it tells of that."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return CertificateTerm(
        connection=connection, whose="own", not_before=found.not_valid_before_utc, not_after=found.not_valid_after_utc
    )


def term_of(connection: str, shown: ServerCertificate) -> CertificateTerm:
    """Return the term of what a server has shown."""
    return CertificateTerm(
        connection=connection, whose="server", not_before=shown.not_before, not_after=shown.not_after
    )

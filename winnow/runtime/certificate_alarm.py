"""Tells in the log of certificates that are about to end, before they do."""

import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from threading import Event as Flag
from threading import Thread
from typing import Final

from winnow.runtime.certificates import Certificates, CertificateTerm, Whose
from winnow.runtime.clock import Clock
from winnow.runtime.settings import SettingsError
from winnow.runtime.tls import ServerCertificate, TlsSettings, client_context

LOOK_EVERY_S: Final = 60.0
TELL_EVERY: Final = timedelta(days=1)
PROBE_WITHIN_S: Final = 5.0

logger = logging.getLogger(__name__)

Servers = Mapping[str, tuple[TlsSettings, Sequence[tuple[str, int]]]]
"""Connection → how to ask its servers anew: this end's files, and hosts with their ports."""


class CertificateAlarm:
    """A WARNING once a day for each certificate that ends soon, an ERROR once it has ended.

    A server may have renewed its certificate while this process stayed connected; so before it is told of, the server
    is asked anew, by a handshake and nothing more.

    Args:
        certificates: which ones there are.
        clock: tells how long they are good.
        servers: how to ask them anew.
    """

    def __init__(
        self,
        certificates: Certificates,
        clock: Clock,
        servers: Servers | None = None,
    ) -> None:
        self._certificates = certificates
        self._clock = clock
        self._servers = dict(servers or {})
        self._told: dict[tuple[str, Whose, bool], datetime] = {}

    def run_once(self) -> None:
        """Everything that must be told was told."""
        now = self._clock.now()
        asked: set[str] = set()
        for term in self._due(now):
            if term.whose == "server" and term.connection not in asked:
                asked.add(term.connection)
                self._ask_anew(term.connection)
        for term in self._due(now):
            self._told[_key(term, now)] = now
            _tell(term, now)

    def _due(self, now: datetime) -> list[CertificateTerm]:
        return [term for term in self._certificates.terms() if term.ends_soon(now) and self._is_new(term, now)]

    def _is_new(self, term: CertificateTerm, now: datetime) -> bool:
        told = self._told.get(_key(term, now))
        return told is None or now - told >= TELL_EVERY

    def _ask_anew(self, connection: str) -> None:
        """Know what the servers show now; if none of them answers, what was known stays."""
        if connection not in self._servers:
            return
        tls, addresses = self._servers[connection]
        shown: list[ServerCertificate] = []
        for host, port in addresses:
            with suppress(OSError, SettingsError):
                context = client_context(tls, shown.append)
                with socket.create_connection((host, port), timeout=PROBE_WITHIN_S) as raw:
                    context.wrap_socket(raw, server_hostname=host).close()
        if shown:
            self._certificates.replace_servers(connection, shown)


@contextmanager
def watched(alarm: CertificateAlarm) -> Iterator[Thread]:
    """Let a thread look once a minute while the block runs; yield it."""
    leaving = Flag()

    def run() -> None:
        while not leaving.is_set():
            try:
                alarm.run_once()
            except Exception:
                logger.exception("Certificates cannot be watched")
            leaving.wait(LOOK_EVERY_S)

    thread = Thread(target=run, name="certificates", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        leaving.set()
        thread.join(2 * PROBE_WITHIN_S)


def _key(term: CertificateTerm, now: datetime) -> tuple[str, Whose, bool]:
    return term.connection, term.whose, term.not_after <= now


def _tell(term: CertificateTerm, now: datetime) -> None:
    facts = {"connection": term.connection, "whose": term.whose, "not_after": term.not_after.isoformat()}
    if term.not_after <= now:
        logger.error("A certificate has ended: renew it", extra=facts)
    else:
        logger.warning("A certificate ends soon: renew it", extra={**facts, "days_left": (term.not_after - now).days})

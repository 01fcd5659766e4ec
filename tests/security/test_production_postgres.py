"""Nobody gets into a real PostgreSQL with the production files, and the sink does not speak to an impostor.

The control is in each test: the same function with the right files opens the store.
"""

import os
import signal
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pydantic import ValidationError

from tests.security.client import eventually
from tests.security.conftest import DATABASE_PASSWORD
from tests.security.production_postgres import ProductionPostgres
from winnow.cli.certificates import Authority, Role
from winnow.cloud_sink.settings import StoreSettings
from winnow.cloud_sink.store import StoreError, open_store
from winnow.runtime.tls import TlsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How somebody tries to get in; by default as the sink itself.

    Attributes:
        trusts: the folder of the authority that must vouch for the server; None: those that the system trusts.
        shows: the folder with the certificate that is shown; None: none is.
        password: what is given as the sink's.
        host: the name under which the server is reached.
    """

    trusts: Path | None
    shows: Path | None
    password: str = DATABASE_PASSWORD
    host: str = "localhost"


@dataclass(frozen=True, slots=True)
class Door:
    """The server, its authority's folder, and one for the password."""

    server: ProductionPostgres
    authority: Path
    folder: Path

    @property
    def honest(self) -> Attempt:
        """Return how the sink itself gets in."""
        return Attempt(trusts=self.authority, shows=self.authority / "sink")

    def opened(self, attempt: Attempt) -> str:
        """Return what `open_store` says; an empty text if the store is open and answers."""
        (self.folder / "password").write_text(f"{attempt.password}\n", encoding="utf-8")
        shown = attempt.shows
        tls = TlsSettings(
            ca_file=attempt.trusts and attempt.trusts / "ca.pem",
            certificate_file=shown and shown / "certificate.pem",
            key_file=shown and shown / "key.pem",
        )
        url = f"postgresql://sink@{attempt.host}:{self.server.port}/winnow"
        try:
            with closing(open_store(url, password_file=self.folder / "password", tls=tls)) as store:
                store.nodes()
        except StoreError as exc:
            return str(exc)
        return ""


@pytest.fixture
def door(database: ProductionPostgres, authority: Path, tmp_path: Path) -> Door:
    """Return a running server with the production files."""
    return Door(database, authority, tmp_path)


def test_sink_gets_in_over_tls_alone(door: Door) -> None:
    """With certificate and password the store opens, and the server's log says that the connection has TLS."""
    before = len(door.server.log())
    assert door.opened(door.honest) == ""
    authorized = [line for line in door.server.log()[before:].splitlines() if "connection authorized" in line]
    assert authorized
    assert all("user=sink database=winnow" in line and "SSL enabled (protocol=TLSv1.3" in line for line in authorized)


@pytest.mark.parametrize(
    ("who", "said", "logged"),
    [
        ("stranger's server", "the authority in ca_file (sslrootcert) does not vouch for this server", "unknown ca"),
        ("system's own", "the authority in ca_file (sslrootcert) does not vouch for this server", "unknown ca"),
        ("another name", "does not match host name", "connection received"),
        ("no certificate", "name one in certificate_file and key_file", "requires a valid client certificate"),
        ("a node", "password authentication failed", 'failed for user "sink": CN mismatch'),
        ("expired", "certificate has ended; renew it", "certificate verify failed"),
        ("stranger", "authority does not vouch for this end's certificate", "certificate verify failed"),
        ("wrong password", "password authentication failed", 'password authentication failed for user "sink"'),
    ],
)
def test_nobody_else_gets_in_and_no_impostor_is_spoken_to(
    door: Door, stranger: Path, who: str, said: str, logged: str
) -> None:
    """Refused with a message that says what is wrong, and the server's log tells of it."""
    attempts = {
        "stranger's server": Attempt(trusts=stranger, shows=door.authority / "sink"),
        "system's own": Attempt(trusts=None, shows=door.authority / "sink"),
        "another name": Attempt(trusts=door.authority, shows=door.authority / "sink", host="127.0.0.2"),
        "no certificate": Attempt(trusts=door.authority, shows=None),
        "a node": Attempt(trusts=door.authority, shows=door.authority / "shop-1"),
        "expired": Attempt(trusts=door.authority, shows=door.authority / "late"),
        "stranger": Attempt(trusts=door.authority, shows=stranger / "shop-1"),
        "wrong password": Attempt(trusts=door.authority, shows=door.authority / "sink", password="guessed"),  # noqa: S106
    }
    before = len(door.server.log())
    assert said in door.opened(attempts[who])
    assert eventually(lambda: logged in door.server.log()[before:])
    assert DATABASE_PASSWORD not in door.server.log()
    assert door.opened(door.honest) == ""


def test_plain_connection_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS the server has no entry for anybody, whatever the password; with TLS the same words are let in."""
    monkeypatch.setenv("PGPASSWORD", DATABASE_PASSWORD)
    files = door.authority / "sink"
    address = f"host=localhost port={door.server.port} user=sink dbname=winnow"
    address += f" sslcert={files / 'certificate.pem'} sslkey={files / 'key.pem'} sslrootcert={files / 'ca.pem'}"
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(f"{address} sslmode=disable")
    psycopg.connect(f"{address} sslmode=verify-full").close()


@pytest.mark.usefixtures("database")  # or it is skipped: there is no PostgreSQL
def test_revoked_certificate_is_refused_after_a_reload(tmp_path: Path) -> None:
    """The sink's certificate is good until the server has read the list that withdraws it."""
    folder, now = tmp_path / "pki", datetime.now(UTC)
    made = Authority.create(folder, "Winnow authority", now)
    made.issue("sink", Role.SINK, now)
    made.issue("localhost", Role.SERVER, now, hosts=("localhost",))
    with ProductionPostgres(folder, DATABASE_PASSWORD) as server:
        server.create_database()
        own = Door(server, folder, tmp_path)
        assert own.opened(own.honest) == ""
        made.revoke("sink", now)
        server.prepare()
        os.kill(server.pid, signal.SIGHUP)
        assert eventually(lambda: "this end's certificate was withdrawn" in own.opened(own.honest))


@pytest.mark.parametrize("gone", ["ca.pem", "certificate.pem", "key.pem"])
def test_missing_file_is_named_at_once(door: Door, tmp_path: Path, gone: str) -> None:
    """A person reads which file is not there, before any server is asked."""
    for name in ("ca.pem", "certificate.pem", "key.pem"):
        (tmp_path / name).write_bytes((door.authority / "sink" / name).read_bytes())
    (tmp_path / gone).unlink()
    said = door.opened(Attempt(trusts=tmp_path, shows=tmp_path))
    assert said == f"store.tls: {tmp_path / gone}: No such file or directory"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://sink@localhost/winnow?sslmode=disable", "say it once: sslmode in the URL, or tls"),
        ("sqlite:///events.db", "tls is for PostgreSQL"),
    ],
)
def test_settings_refuse_what_tls_cannot_mean(url: str, said: str) -> None:
    """`tls` is never silently weakened by the URL, nor without effect."""
    with pytest.raises(ValidationError, match=said):
        StoreSettings(url=url, tls=TlsSettings())

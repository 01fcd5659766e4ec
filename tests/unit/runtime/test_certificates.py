"""When certificates end, and who is told before they do."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry

from winnow.cli.certificates import Authority, Role
from winnow.runtime.certificate_alarm import CertificateAlarm, watched
from winnow.runtime.certificates import CertificateCollector, Certificates, CertificateTerm, read_term
from winnow.runtime.clock import SystemClock
from winnow.runtime.testing import ManualClock
from winnow.runtime.tls import ServerCertificate, TlsSettings, client_context

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY_S = 24 * 3600
SOON, ENDED = "A certificate ends soon: renew it", "A certificate has ended: renew it"


class Server:
    """A TLS server that shows a certificate and hangs up.

    Attributes:
        port: on loopback.
        asked: how many clients there were.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = 0

    def serve(self) -> None:
        """Greet one client after the other until the listener is closed."""
        with suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                self.asked += 1
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._folder / "certificate.pem", self._folder / "key.pem")
                with suppress(OSError), context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(1)

    def close(self) -> None:
        """Take no more clients."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Serve while the block runs."""
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(10)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Return the folder of an authority whose server `localhost` has a certificate with ten days left."""
    now = datetime.now(UTC)
    Authority.create(tmp_path / "pki", "Winnow authority", now).issue(
        "localhost", Role.SERVER, now - timedelta(days=80), hosts=("localhost",)
    )
    return tmp_path / "pki"


def term(*, lasts: timedelta, left: timedelta) -> CertificateTerm:
    """Return a certificate of which so much is left."""
    ends = NOW + left
    return CertificateTerm(connection="mqtt", whose="own", not_before=ends - lasts, not_after=ends)


def day(number: float) -> timedelta:
    """Return that many days."""
    return timedelta(days=number)


@pytest.mark.parametrize(
    ("lasts", "left", "soon"),
    [
        (day(90), day(14), False),
        (day(90), day(13.9), True),
        (day(90), day(-1), True),
        (day(6), day(2), False),
        (day(6), day(1.9), True),
        (day(3650), day(20), False),
    ],
)
def test_certificate_ends_soon_two_weeks_before_or_at_a_third(lasts: timedelta, left: timedelta, soon: bool) -> None:  # noqa: FBT001
    """One that lasts for days is told of when a third is left, every other when 14 days are."""
    assert term(lasts=lasts, left=left).ends_soon(NOW) == soon


def test_own_certificate_is_told_of_once_a_day_and_as_lost_when_it_has_ended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, expects_error_log: list[logging.LogRecord]
) -> None:
    """No word while it is good; a WARNING a day for 14 days, then an ERROR a day; silence once it is renewed."""
    made = Authority.create(tmp_path / "pki", "Winnow authority", NOW)
    made.issue("shop-1", Role.NODE, NOW)
    clock = ManualClock(NOW)
    alarm = CertificateAlarm(Certificates({"mqtt": tmp_path / "pki" / "shop-1" / "certificate.pem"}), clock)
    told = []
    for _ in range(2 * 92):
        caplog.clear()
        alarm.run_once()
        told.append([record.message for record in caplog.records])
        clock.advance(DAY_S / 2)
    assert told[: 2 * 76 + 1] == [[]] * (2 * 76 + 1)
    assert told[2 * 76 + 1 : 2 * 90] == [[SOON], []] * 13 + [[SOON]]
    assert told[2 * 90 :] == [[ENDED], []] * 2
    assert len(expects_error_log) == 2
    made.renew("shop-1", clock.now())
    caplog.clear()
    alarm.run_once()
    assert caplog.messages == []


def test_server_is_asked_anew_before_it_is_told_of(authority: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who stayed connected since before the renewal does not cry wolf; what the server shows now is known."""
    now = datetime.now(UTC)
    old = ServerCertificate(host="localhost", not_before=now - day(80), not_after=now + day(10))
    certificates = Certificates({})
    certificates.seen_on("mqtt")(old)
    tls = TlsSettings(ca_file=authority / "ca.pem")
    with running(Server(authority / "localhost")) as server:
        alarm = CertificateAlarm(certificates, SystemClock(), {"mqtt": (tls, [("localhost", server.port)])})
        alarm.run_once()
        assert [record.message for record in caplog.records] == [SOON]
        assert vars(caplog.records[0])["whose"] == "server"
        Authority(authority).renew("localhost", now)
        again = CertificateAlarm(certificates, SystemClock(), {"mqtt": (tls, [("localhost", server.port)])})
        caplog.clear()
        again.run_once()
        again.run_once()
        assert caplog.messages == []
        assert server.asked == 2
    (known,) = certificates.terms()
    assert known.not_after > now + day(89)


def test_server_that_does_not_answer_is_told_of_by_what_was_known(
    authority: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can say that it was renewed, so the warning comes."""
    now, certificates = datetime.now(UTC), Certificates({})
    certificates.seen_on("mqtt")(ServerCertificate(host="localhost", not_before=now - day(80), not_after=now + day(10)))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    servers = {"mqtt": (TlsSettings(ca_file=authority / "ca.pem"), [("localhost", port)])}
    CertificateAlarm(certificates, SystemClock(), servers).run_once()
    assert caplog.messages == [SOON]


def test_of_several_servers_the_first_to_end_counts() -> None:
    """A cluster is as good as its oldest certificate, until that server has shown a newer one."""
    certificates = Certificates({})
    for host, left in (("kafka-1", 40), ("kafka-2", 20), ("kafka-3", 60)):
        certificates.seen_on("kafka")(ServerCertificate(host=host, not_before=NOW, not_after=NOW + day(left)))
    assert [(one.connection, one.whose, one.not_after) for one in certificates.terms()] == [
        ("kafka", "server", NOW + day(20))
    ]
    certificates.seen_on("kafka")(ServerCertificate(host="kafka-2", not_before=NOW, not_after=NOW + day(90)))
    assert certificates.terms()[0].not_after == NOW + day(40)


def test_context_tells_what_the_server_shows_on_sockets_and_on_asyncio(authority: Path) -> None:
    """Both ways in which libraries make connections; what is told is the verified certificate itself."""
    shown: list[ServerCertificate] = []
    context = client_context(TlsSettings(ca_file=authority / "ca.pem"), shown.append)
    expected = read_term("x", authority / "localhost" / "certificate.pem")
    assert expected is not None

    async def connect(port: int) -> None:
        _, writer = await asyncio.open_connection("localhost", port, ssl=context)
        writer.close()

    with running(Server(authority / "localhost")) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as raw:
            context.wrap_socket(raw, server_hostname="localhost").close()
        asyncio.run(connect(server.port))
        with (
            socket.create_connection(("127.0.0.1", server.port)) as raw,
            pytest.raises(ssl.SSLCertVerificationError),
        ):
            context.wrap_socket(raw, server_hostname="127.0.0.1")
    assert [(one.host, one.not_before, one.not_after) for one in shown] == [
        ("localhost", expected.not_before, expected.not_after)
    ] * 2


def test_metric_has_the_end_of_each_certificate(authority: Path) -> None:
    """In seconds, by connection and whose it is; a file that holds none is left out."""
    registry, path = CollectorRegistry(), authority / "localhost" / "certificate.pem"
    certificates = Certificates({"page": path, "mqtt": authority / "crl.pem", "store": None, "kafka": Path("/no/such")})
    certificates.seen_on("kafka")(ServerCertificate(host="kafka-1", not_before=NOW, not_after=NOW + day(1)))
    registry.register(CertificateCollector(certificates))
    own = read_term("page", path)
    assert own is not None
    found = {
        (sample.labels["connection"], sample.labels["whose"]): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
    assert found == {("page", "own"): own.not_after.timestamp(), ("kafka", "server"): (NOW + day(1)).timestamp()}


def test_thread_looks_at_once_and_ends_with_the_block(authority: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The first look does not wait for a minute, and leaving the block does not either."""
    path = authority / "localhost" / "certificate.pem"
    with watched(CertificateAlarm(Certificates({"page": path}), SystemClock())) as thread:
        deadline_s = SystemClock().monotonic_s() + 10
        while SOON not in caplog.messages and SystemClock().monotonic_s() < deadline_s:
            thread.join(0.01)
    assert caplog.messages == [SOON]
    assert not thread.is_alive()

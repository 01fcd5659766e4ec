"""The sink's page over https, as its settings ask for it: `http.tls` in sink.yaml, the whole process."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import httpx
import pytest

from scripts.services import free_port
from tests.end_to_end.installation import sink_process
from tests.end_to_end.processes import eventually
from winnow.cli.certificates import Authority
from winnow.cloud_sink.access import Caller, open_accounts
from winnow.cloud_sink.testing import quick_passwords

WAIT_S: Final = 20.0
PASSWORD: Final = "seven-quiet-otters"  # noqa: S105 - of a store that lives as long as a test


@pytest.fixture
def metrics_port() -> int:
    """Return where the sink's metrics are served."""
    return free_port()


@pytest.fixture
def address(authority: Path, tmp_path: Path, metrics_port: int) -> Iterator[str]:
    """Return where a sink serves its page over https; its Kafka is away, the page is there all the same."""
    url = f"sqlite:///{tmp_path}/events.db"
    with closing(open_accounts(url, passwords=quick_passwords())) as accounts:
        accounts.add_user("alice", "viewer", PASSWORD, Caller(who="tester", origin="test"))
    server, port = authority / "localhost", free_port()
    tls = {"certificate_file": str(server / "certificate.pem"), "key_file": str(server / "key.pem")}
    page, metrics, kafka = {"port": port, "tls": tls}, {"port": metrics_port}, f"127.0.0.1:{free_port()}"
    with sink_process(tmp_path, kafka, "page", url, http=page, metrics=metrics) as sink:
        eventually(lambda: "The page is served" in sink.log_path.read_text(), WAIT_S, sink.log_tail)
        yield f"https://localhost:{port}/"


def shown_by(address: str, authority: Path) -> str:
    """Return the serial number of the certificate that the page shows to a new visitor."""
    url, context = httpx.URL(address), ssl.create_default_context(cafile=str(authority / "ca.pem"))
    with (
        socket.create_connection((url.host, url.port or 0), timeout=WAIT_S) as raw,
        context.wrap_socket(raw, server_hostname=url.host) as connection,
    ):
        return str((connection.getpeercert() or {})["serialNumber"])


def log_in(browser: httpx.Client, password: str) -> httpx.Response:
    """Send the login form as it was served."""
    found = re.search(r'name="csrf" value="([^"]+)"', browser.get("login").text)
    assert found
    return browser.post("login", data={"name": "alice", "password": password, "csrf": found[1], "next": "/"})


def test_page_is_served_over_tls_and_counts_refused_logins(
    address: str, authority: Path, stranger: Path, metrics_port: int
) -> None:
    """Login and session travel over https alone; the cookie stays there, and a strange authority is refused."""
    trusted = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    with httpx.Client(base_url=address, verify=trusted, timeout=WAIT_S) as browser:
        assert log_in(browser, "wrong-password").status_code == 401
        entered = log_in(browser, PASSWORD)
        assert entered.status_code == 303
        assert entered.headers["set-cookie"].startswith("__Host-winnow_session=")
        assert "; Secure" in entered.headers["set-cookie"]
        assert browser.get("api/me").json()["name"] == "alice"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(address, verify=ssl.create_default_context(cafile=str(stranger / "ca.pem")), timeout=WAIT_S)
    with pytest.raises(httpx.HTTPError):
        httpx.get(address.replace("https", "http"), timeout=WAIT_S)
    metrics = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", timeout=WAIT_S).text
    assert 'winnow_sink_refused_logins_total{reason="password"} 1.0' in metrics
    assert 'winnow_sink_refused_logins_total{reason="too_many"} 0.0' in metrics


def test_renewed_certificate_is_shown_without_a_restart(address: str, authority: Path) -> None:
    """Whoever comes after the renewal sees the new one, key and all; who is connected stays so, and logged in."""
    with httpx.Client(
        base_url=address, verify=ssl.create_default_context(cafile=str(authority / "ca.pem")), timeout=WAIT_S
    ) as browser:
        assert log_in(browser, PASSWORD).status_code == 303
        before = shown_by(address, authority)
        entry = Authority(authority).renew("localhost", datetime.now(UTC), with_new_key=True)
        eventually(lambda: int(shown_by(address, authority), 16) == int(entry.serial, 16), WAIT_S, lambda: "as before")
        assert before != shown_by(address, authority)
        assert browser.get("api/me").json()["name"] == "alice"

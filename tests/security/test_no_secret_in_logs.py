"""A whole secured run, and runs that fail, at DEBUG, with secrets everywhere: no log has one of them.

The run is also the proof that the secured path works, with the files of `deploy/` (other names and ports put in):
footage → edge → TLS → Mosquitto → TLS → gateway → SASL_SSL → Kafka → SASL_SSL → sink → TLS → PostgreSQL, and a person
and a program at the page over https.
"""

import base64
import os
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
import psycopg
import pytest

from scripts.services import free_port
from tests.security.client import eventually
from tests.security.conftest import DATABASE_PASSWORD
from tests.security.listeners import listeners_of
from tests.security.production_broker import ProductionBroker
from tests.security.production_kafka import PASSWORDS, ProductionKafka
from tests.security.production_postgres import DATABASE, ProductionPostgres
from winnow.cli.certificates import Authority

PRODUCTION: Final = Path(__file__).parents[2] / "deploy" / "production"
CAMERA_LOGIN = "Cam-5ecret"
CAMERA_TOKEN = "Tok-5ecret"  # noqa: S105 - made up for this test
MQTT_PASSWORD = "Mq-5ecret"  # noqa: S105
TYPED_WRONG = "Typed-5ecret-as-name-and-password"
SECRETS = (CAMERA_LOGIN, CAMERA_TOKEN, MQTT_PASSWORD, DATABASE_PASSWORD, TYPED_WRONG, *PASSWORDS.values())
CAMERA = f"rtsp://viewer:{CAMERA_LOGIN}@127.0.0.1:9/user=viewer&password={CAMERA_TOKEN}/live?token={CAMERA_TOKEN}#{CAMERA_TOKEN}"

SHOWN: Final = {
    "edge": {("mqtt", "own"), ("mqtt", "server")},
    "gateway": {("mqtt", "own"), ("mqtt", "server"), ("kafka", "server")},
    "sink": {("kafka", "server"), ("store", "own"), ("page", "own")},
}
"""The certificates whose end each process tells in its metrics."""


def forms_of(secret: str) -> set[str]:
    """Return how a secret might look in a log: as it is, in a URL, in base64."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What runs beside our own processes."""

    broker: ProductionBroker
    kafka: ProductionKafka
    database: ProductionPostgres

    def stored(self) -> int:
        """Return how many events the database holds."""
        address = str(self.database.root / "winnow")
        with psycopg.connect(host=address, port=self.database.port, user="winnow", dbname=DATABASE) as connection:
            try:
                row = connection.execute("SELECT count(*) FROM events").fetchone()
            except psycopg.errors.UndefinedTable:
                return 0
        return int(row[0]) if row else 0

    def logs(self) -> dict[str, str]:
        """Return what each of them wrote."""
        return {"broker": self.broker.log(), "kafka": self.kafka.log(), "database": self.database.log()}


class Run:
    """Settings and logs of one run in a folder, laid out as docs/security.md says."""

    def __init__(self, folder: Path, servers: Servers, authority: Path) -> None:
        self.folder = folder
        self.page = f"https://localhost:{free_port()}"
        self.metrics = {name: free_port() for name in ("edge", "gateway", "sink")}
        self._servers = servers
        passwords = {"gateway": PASSWORDS["gateway"], "kafka": PASSWORDS["sink"], "database": DATABASE_PASSWORD}
        for name, password in (passwords | {"mqtt": MQTT_PASSWORD}).items():
            (folder / f"{name}.password").write_text(f"{password}\n", encoding="utf-8")
        for name, holder in (("gateway", "gateway"), ("sink", "sink"), ("shop-1", "shop-1"), ("page", "localhost")):
            (folder / name).symlink_to(authority / holder)

    def installed(self, name: str) -> str:
        """Return a file of `deploy/production` with this machine's names and ports."""
        text = (PRODUCTION / name).read_text(encoding="utf-8")
        places = {
            "mqtt.example.com": f"localhost:{self._servers.broker.port}",
            "kafka.example.com:9093": f"localhost:{self._servers.kafka.port}",
            "db.example.com": f"localhost:{self._servers.database.port}",
            "host: 0.0.0.0": "host: 127.0.0.1",
            "port: 8443": f"port: {self.page.rpartition(':')[2]}",
        }
        for given, ours in places.items():
            text = text.replace(given, ours)
        assert "example.com" not in text
        # A login that the broker does not ask for is sent to it all the same.
        text = text.replace("mqtt:\n", "mqtt:\n  username: x\n  password_file: mqtt.password\n")
        return f"{text}metrics: {{port: {self.metrics[Path(name).stem]}}}\n"

    def edge(self) -> str:
        """Return the settings of an edge whose spool is sealed."""
        return (
            f"node: shop-1\nmqtt:\n  url: mqtts://localhost:{self._servers.broker.port}\n"
            "  username: x\n  password_file: mqtt.password\n  tls: {ca_file: shop-1/ca.pem, "
            "certificate_file: shop-1/certificate.pem, key_file: shop-1/key.pem}\n"
            "spool: {path: spool.sqlite, key_file: spool.key}\n"
            f"stats_every_s: 1\nmetrics: {{port: {self.metrics['edge']}}}\ncameras:\n  door: {{source: '{CAMERA}'}}\n"
        )

    def write(self, name: str, text: str) -> None:
        """Write a settings file."""
        (self.folder / f"{name}.yaml").write_text(text, encoding="utf-8")

    def certificates(self, name: str) -> dict[tuple[str, str], float]:
        """Return connection and owner of each certificate whose end a process tells, with that end."""
        served = httpx.get(f"http://127.0.0.1:{self.metrics[name]}/metrics", timeout=20).text
        pattern = r'^winnow_certificate_not_after_timestamp_seconds\{connection="(\w+)",whose="(\w+)"\} (\S+)$'
        return {(found[1], found[2]): float(found[3]) for found in re.finditer(pattern, served, re.MULTILINE)}

    def log(self, name: str) -> str:
        """Return what a process wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def command(self, *words: str) -> str:
        """Run a command to its end; return what it prints for programs, and keep what it prints for people."""
        done = subprocess.run(
            [sys.executable, "-m", "winnow.cli", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def started(self, name: str, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command at DEBUG while the block runs; its settings are called as it is."""
        words = [sys.executable, "-m", "winnow.cli", command, "-c", f"{name}.yaml", "--log-level", "DEBUG"]
        with (self.folder / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(words, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


class Visitor:
    """Somebody at the page, with a browser or a program.

    Attributes:
        secrets: everything secret that was typed, shown or sent.
    """

    def __init__(self, page: str, authority: Path) -> None:
        trusted = ssl.create_default_context(cafile=str(authority / "ca.pem"))
        self._browser = httpx.Client(base_url=page, verify=trusted, timeout=20)
        self.secrets: list[str] = []

    def log_in(self, name: str, password: str) -> int:
        """Send the login form; return the answer's status."""
        found = re.search(r'name="csrf" value="([^"]+)"', self._browser.get("/login").text)
        assert found
        fields = {"name": name, "password": password, "csrf": found[1], "next": "/"}
        self.secrets += [found[1], password]
        return self._browser.post("/login", data=fields).status_code

    def make_and_use_token(self) -> None:
        """Make a token, look with it, in the header and (wrongly) in the address, and revoke it; log out."""
        csrf = self._browser.get("/api/me").json()["csrf"]
        headers = {"X-CSRF-Token": csrf}
        token = self._browser.post("/api/tokens", json={"name": "grafana"}, headers=headers).json()["token"]
        self.secrets += [csrf, token, *self._browser.cookies.values()]
        bearer = {"Authorization": f"Bearer {token}"}
        self._browser.cookies.clear()
        assert self._browser.get("/api/nodes", headers=bearer).json()["nodes"][0]["certificate_ends_at"] is not None
        assert self._browser.get(f"/api/nodes?token={token}", headers=bearer).status_code == 400
        assert self._browser.get(f"/{token}", headers=bearer).status_code == 404
        assert self._browser.get("/api/nodes", headers={"Authorization": f"Bearer {token}x"}).status_code == 401

    def log_out(self) -> None:
        """End the session."""
        csrf = self._browser.get("/api/me").json()["csrf"]
        assert self._browser.post("/logout", headers={"X-CSRF-Token": csrf}).status_code == 200

    def close(self) -> None:
        """Leave."""
        self._browser.close()


@pytest.fixture
def servers(authority: Path, kafka: ProductionKafka, database: ProductionPostgres) -> Iterator[Servers]:
    """Return the servers, with a broker that keeps what a whole run leaves behind from other tests."""
    with ProductionBroker(authority) as broker:
        yield Servers(broker=broker, kafka=kafka, database=database)


@pytest.fixture
def run(tmp_path: Path, servers: Servers, authority: Path) -> Run:
    """Return the run's folder, with every process's settings, and some that are wrong."""
    made = Run(tmp_path, servers, authority)
    gateway, sink, edge = made.installed("gateway.yaml"), made.installed("sink.yaml"), made.edge()
    without_page = sink[: sink.index("# The page")] + "metrics: {port: 0}\n"
    made.write("gateway", gateway)
    made.write("sink", sink)
    made.write("edge", edge)
    made.write("refused-sink", without_page.replace("kafka.password", "mqtt.password"))
    made.write("refused-by-database", without_page.replace("database.password", "mqtt.password"))
    made.write("refused-gateway", gateway.replace("gateway.password", "mqtt.password"))
    beside = edge.replace(f"port: {made.metrics['edge']}", "port: 0").replace("spool.sqlite", "another.sqlite")
    made.write("refused-edge", beside.replace("key_file: shop-1/", "key_file: /no/such/"))
    return made


@pytest.mark.timeout(240)  # it starts three servers, and eight processes of ours
def test_whole_run_and_its_failures_log_no_secret(run: Run, servers: Servers, authority: Path) -> None:
    """Events reach PostgreSQL, also after the gateway's certificate was renewed; refusals are logged; no secret is."""
    run.command("spool", "rotate-key", "-c", "edge.yaml")
    password = run.command("users", "add", "ann", "--role", "admin", "-c", "sink.yaml").strip()
    visitor = Visitor(run.page, authority)
    with (
        run.started("gateway", "gateway") as gateway,
        run.started("sink", "sink") as sink,
        run.started("edge", "run") as edge,
        run.started("refused-sink", "sink"),
        run.started("refused-by-database", "sink"),
        run.started("refused-edge", "run"),
    ):
        assert eventually(lambda: servers.stored() > 0, within_s=60), run.log("gateway") + run.log("sink")
        Authority(authority).renew("gateway", datetime.now(UTC), with_new_key=True)
        assert visitor.log_in(TYPED_WRONG, TYPED_WRONG) == 401
        assert visitor.log_in("ann", password) == 303
        visitor.make_and_use_token()
        assert visitor.log_in("ann", password) == 303
        visitor.log_out()
        visitor.close()
        assert eventually(lambda: "the certificate was renewed" in run.log("gateway"), within_s=10)
        before = servers.stored()
        assert eventually(lambda: servers.stored() > before, within_s=30)
        assert [listeners_of(process.pid) for process in (gateway, sink, edge)] == [{"127.0.0.1"}] * 3
        assert {name: set(run.certificates(name)) for name in run.metrics} == SHOWN
        assert run.certificates("gateway")["mqtt", "own"] > run.certificates("edge")["mqtt", "own"]
        assert eventually(lambda: "trying again" in run.log("refused-sink"), within_s=20)
        assert eventually(lambda: "password authentication failed" in run.log("refused-by-database"), within_s=20)
        assert eventually(lambda: "rtsp://***@127.0.0.1:9/" in run.log("edge"), within_s=20)
    with run.started("refused-gateway", "gateway"):
        assert eventually(lambda: "destination failed" in run.log("refused-gateway"), within_s=20)
    logs = {path.name: path.read_text(encoding="utf-8") for path in run.folder.glob("*.log")}
    assert set(logs) == {f"{path.stem}.log" for path in run.folder.glob("*.yaml")}
    assert all(logs.values())
    assert "token created" in logs["sink.log"]
    keys = [line for path in authority.rglob("*key.pem") for line in path.read_text().splitlines()[1:-1]]
    spool_keys = [line for line in (run.folder / "spool.key").read_text().splitlines() if line and line[0] != "#"]
    assert spool_keys
    assert len(visitor.secrets) > len(SECRETS)
    secrets = {*SECRETS, *visitor.secrets, *spool_keys}
    wanted = {*keys, *(form for secret in secrets for form in forms_of(secret))}
    assert [(name, word) for name, text in (logs | servers.logs()).items() for word in wanted if word in text] == []


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        ("run", f"mqtt: {{url: 'mqtt://x:{MQTT_PASSWORD}@localhost'}}\ncameras: {{door: {{source: a.mp4}}}}\n"),
        ("run", f"cameras: {{door: {{source: 'rtmp://x:{CAMERA_LOGIN}@localhost/a?token={CAMERA_TOKEN}'}}}}\n"),
        ("gateway", f"destination: 'kafka://x:{MQTT_PASSWORD}@localhost:1'\n"),
        ("gateway", f"destination: 'postgresql://x:{MQTT_PASSWORD}@localhost/x'\n"),
        ("gateway", f"destination: 'postgresql://x@localhost/x?password={MQTT_PASSWORD}'\n"),
        ("sink", f"store: {{url: 'postgresql://x:{MQTT_PASSWORD}@localhost/x'}}\n"),
        ("sink", f"store: {{url: 'postgresql://x@localhost/x?password={MQTT_PASSWORD}'}}\n"),
    ],
)
def test_secret_in_a_url_is_refused_without_being_repeated(tmp_path: Path, command: str, settings: str) -> None:
    """Exit code 2, one line that says what to do, and the secret is not in it."""
    (tmp_path / "wrong.yaml").write_text(settings, encoding="utf-8")
    words = [sys.executable, "-m", "winnow.cli", command, "-c", "wrong.yaml", "--log-level", "DEBUG"]
    done = subprocess.run(words, cwd=tmp_path, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "error:" in done.stderr
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]

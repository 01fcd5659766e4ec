"""A whole secured run, and runs that fail, at DEBUG, with secrets everywhere: no log has one of them.

The run is also the proof that the secured path works: footage → edge → TLS → Mosquitto → TLS → gateway → SASL_SSL →
Kafka → SASL_SSL → sink → PostgreSQL with a password.
"""

import base64
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.security.client import eventually
from tests.security.production_broker import ProductionBroker
from tests.security.production_kafka import PASSWORDS, ProductionKafka
from winnow.cli.certificates import Authority

CAMERA_LOGIN = "Cam-5ecret"
CAMERA_TOKEN = "Tok-5ecret"  # noqa: S105 - made up for this test
MQTT_PASSWORD = "Mq-5ecret"  # noqa: S105
DATABASE_PASSWORD = "Db-5ecret/of the sink"  # noqa: S105
SECRETS = (CAMERA_LOGIN, CAMERA_TOKEN, MQTT_PASSWORD, DATABASE_PASSWORD, *PASSWORDS.values())
CAMERA = f"rtsp://viewer:{CAMERA_LOGIN}@127.0.0.1:9/user=viewer&password={CAMERA_TOKEN}/live?token={CAMERA_TOKEN}#{CAMERA_TOKEN}"


def forms_of(secret: str) -> set[str]:
    """Return how a secret might look in a log: as it is, in a URL, in base64."""
    return {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()}


class Run:
    """Settings and logs of one run in a folder."""

    def __init__(self, folder: Path, broker: ProductionBroker, kafka: ProductionKafka, authority: Path) -> None:
        self.folder = folder
        self._authority = authority
        for name, password in (*PASSWORDS.items(), ("mqtt", MQTT_PASSWORD), ("database", DATABASE_PASSWORD)):
            (folder / f"{name}.password").write_text(f"{password}\n", encoding="utf-8")
        self.mqtt = f"url: 'mqtts://localhost:{broker.port}', username: x, password_file: mqtt.password"
        self.kafka = f"bootstrap_servers: 'localhost:{kafka.port}', security_protocol: SASL_SSL"
        self.authority_line = f"ca_file: {authority / 'ca.pem'}"

    def tls(self, name: str) -> str:
        """Return the TLS settings of a certificate's holder."""
        folder = self._authority / name
        return f"tls: {{{self.authority_line}, certificate_file: {folder}/certificate.pem, key_file: {folder}/key.pem}}"

    def write(self, name: str, text: str) -> Path:
        """Write a settings file."""
        path = self.folder / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def log(self, name: str) -> str:
        """Return what a process wrote."""
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

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


@pytest.fixture
def own_broker(authority: Path) -> Iterator[ProductionBroker]:
    """Return a broker that keeps what a whole run leaves behind (a status, sessions) from other tests."""
    with ProductionBroker(authority) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, own_broker: ProductionBroker, kafka: ProductionKafka, authority: Path) -> Run:
    """Return the run's folder, with the settings of edge and gateway."""
    made = Run(tmp_path, own_broker, kafka, authority)
    made.write(
        "gateway",
        f"mqtt: {{{made.mqtt}, {made.tls('gateway')}}}\n"
        f"kafka: {{{made.kafka}, username: gateway, password_file: gateway.password, topics: {{create: false}}, "
        f"tls: {{{made.authority_line}}}}}\nmetrics: {{port: 0}}\n",
    )
    made.write(
        "edge",
        f"node: shop-1\nmqtt: {{{made.mqtt}, {made.tls('shop-1')}}}\nspool: {{path: spool.sqlite}}\n"
        f"stats_every_s: 1\nmetrics: {{port: 0}}\ncameras:\n  door: {{source: '{CAMERA}'}}\n",
    )
    return made


@pytest.fixture
def database(postgres_url: str, unique_name: str) -> Iterator[str]:
    """Return the URL of an empty database for a user with a password."""
    role = f"{unique_name}-sink"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(DATABASE_PASSWORD))
        )
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(role)))
    parts = conninfo_to_dict(postgres_url)
    yield f"postgresql://{role}@/{parts['dbname']}?host={parts.get('host', 'localhost')}&port={parts.get('port', 5432)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for command in ("DROP OWNED BY {} CASCADE", "DROP ROLE {}"):
            connection.execute(sql.SQL(command).format(sql.Identifier(role)))


def stored(postgres_url: str) -> int:
    """Return how many events the database holds."""
    with psycopg.connect(postgres_url) as connection:
        try:
            row = connection.execute("SELECT count(*) FROM events").fetchone()
        except psycopg.errors.UndefinedTable:
            return 0
    return int(row[0]) if row else 0


def test_whole_run_and_its_failures_log_no_secret(run: Run, database: str, postgres_url: str, authority: Path) -> None:
    """Events reach PostgreSQL, also after the gateway's certificate was renewed; refusals are logged; no secret is."""
    sink = f"kafka: {{{run.kafka}, username: sink, password_file: PASSWORD, tls: {{{run.authority_line}}}}}\n"
    sink += f"store: {{url: '{database}', password_file: database.password}}\nmetrics: {{port: 0}}\n"
    run.write("sink", sink.replace("PASSWORD", "sink.password"))
    run.write("refused-sink", sink.replace("PASSWORD", "mqtt.password"))
    run.write("refused-gateway", (run.folder / "gateway.yaml").read_text().replace("gateway.password", "mqtt.password"))
    run.write("refused-edge", (run.folder / "edge.yaml").read_text().replace("key_file: ", "key_file: /no/such"))
    with (
        run.started("gateway", "gateway"),
        run.started("sink", "sink"),
        run.started("edge", "run"),
        run.started("refused-sink", "sink"),
        run.started("refused-edge", "run"),
    ):
        assert eventually(lambda: stored(postgres_url) > 0, within_s=60), run.log("gateway") + run.log("sink")
        Authority(authority).renew("gateway", datetime.now(UTC), with_new_key=True)
        assert eventually(lambda: "the certificate was renewed" in run.log("gateway"), within_s=10)
        before = stored(postgres_url)
        assert eventually(lambda: stored(postgres_url) > before, within_s=30)
        assert eventually(lambda: "trying again" in run.log("refused-sink"), within_s=20)
        assert eventually(lambda: "rtsp://***@127.0.0.1:9/" in run.log("edge"), within_s=20)
    with run.started("refused-gateway", "gateway"):
        assert eventually(lambda: "destination failed" in run.log("refused-gateway"), within_s=20)
    logs = {path.name: path.read_text(encoding="utf-8") for path in run.folder.glob("*.log")}
    assert set(logs) == {
        f"{name}.log" for name in ("edge", "gateway", "sink", "refused-edge", "refused-gateway", "refused-sink")
    }
    assert all(logs.values())
    keys = [line for path in authority.rglob("*key.pem") for line in path.read_text().splitlines()[1:-1]]
    wanted = {*keys, *(form for secret in SECRETS for form in forms_of(secret))}
    assert [(name, word) for name, text in logs.items() for word in wanted if word in text] == []


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

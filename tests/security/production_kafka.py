"""A real Apache Kafka with the production files of `deploy/kafka/`, other names, paths and ports put in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from scripts.services.kafka import KafkaServer
from scripts.services.local_server import free_port
from winnow.events.topics import KAFKA_TOPICS

DEPLOY: Final = Path(__file__).parents[2] / "deploy" / "kafka"
PASSWORDS: Final = {"gateway": "Gw-5ecret-of-the-gateway", "sink": "Sk-5ecret-of-the-sink"}

ONE_NODE: Final = {
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
}
"""A cluster of one server can keep one copy only."""


class ProductionKafka(KafkaServer):
    """Kafka as docs/security.md sets it up, with its two principals.

    Args:
        authority: the authority's folder; its server certificate is called `localhost`.
        settings: further entries, which win over the file's.

    Raises:
        ServerMissing: there is no Java, or no Kafka.
    """

    name: ClassVar[str] = "Apache Kafka"

    def __init__(self, authority: Path, settings: dict[str, str] | None = None) -> None:
        self._authority = authority
        self._brokers_port, self._controllers_port = free_port(), free_port()
        super().__init__(settings=ONE_NODE | (settings or {}))

    @property
    def brokers_port(self) -> int:
        """Return the port on which servers and administrators show a certificate."""
        return self._brokers_port

    def installed(self, name: str) -> str:
        """Return a file of `deploy/kafka` as it is installed here."""
        text = (DEPLOY / name).read_text(encoding="utf-8")
        text = text.replace("0.0.0.0:", "127.0.0.1:").replace("kafka.example.com", "localhost")
        ports = {"9093": self.port, "9094": self._brokers_port, "9095": self._controllers_port}
        for given, ours in ports.items():
            text = text.replace(f":{given}", f":{ours}")
        text = text.replace("/var/lib/kafka/data", str(self.data_dir))
        return text.replace("/etc/kafka/winnow", str(self.root / "winnow"))

    def prepare(self) -> None:
        """Install the files and the certificate, and format the data directory."""
        (self.root / "winnow").mkdir(exist_ok=True)
        for name in ("keystore.pem", "ca.pem"):
            shutil.copy(self._authority / "localhost" / name, self.root / "winnow" / name)
        further = "".join(f"{name}={value}\n" for name, value in self._settings.items())
        self._properties.write_text(self.installed("production.properties") + further, encoding="utf-8")
        (self.root / "admin.properties").write_text(self.installed("admin.properties"), encoding="utf-8")
        if not (self.data_dir / "meta.properties").exists():
            self._format()

    def answers(self) -> bool:
        """Return whether an administrator gets an answer."""
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def admin(self) -> AdminClient:
        """Return an administrator's client: the server's certificate is the login."""
        return AdminClient(certificate_login(self._brokers_port, self._authority, "localhost"))

    def create_topics(self) -> None:
        """Make the topics of the contract, each with one partition."""
        topics = [NewTopic(name, num_partitions=1, replication_factor=1) for name in KAFKA_TOPICS]
        admin = self.admin()
        for created in admin.create_topics(topics, operation_timeout=20).values():
            created.result(timeout=20)

    def create_principals(self) -> None:
        """Run `deploy/kafka/create-principals.sh` with Kafka's own kafka-configs, and our stand-in for kafka-acls.

        The jars of the tests do not have the program behind kafka-acls.sh: tests/security/kafka_acls.py asks the
        broker for the same rights.
        """
        tools = self.root / "bin"
        tools.mkdir(exist_ok=True)
        programs = {
            "kafka-configs.sh": [*self._jvm(), "kafka.admin.ConfigCommand"],
            "kafka-acls.sh": [sys.executable, "-m", "tests.security.kafka_acls"],
        }
        for name, words in programs.items():
            quoted = " ".join(f"'{word}'" for word in words)
            (tools / name).write_text(f'#!/bin/sh\nexec {quoted} "$@"\n', encoding="utf-8")
            (tools / name).chmod(0o700)
        files = []
        for name, password in PASSWORDS.items():
            files.append(self.root / f"{name}.password")
            files[-1].write_text(f"{password}\n", encoding="utf-8")
        command = [DEPLOY / "create-principals.sh", f"localhost:{self._brokers_port}", "admin.properties", *files]
        environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(DEPLOY.parents[1])}
        made = subprocess.run(
            [str(word) for word in command], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stdout + made.stderr

    def log(self) -> str:
        """Return what the broker wrote."""
        return self.log_path.read_text(errors="replace")


def certificate_login(port: int, authority: Path, name: str | None) -> dict[str, Any]:
    """Return what librdkafka needs to show a certificate."""
    arguments: dict[str, Any] = {
        "bootstrap.servers": f"localhost:{port}",
        "security.protocol": "SSL",
        "ssl.ca.location": str(authority / "ca.pem"),
        "log_level": 0,
    }
    if name is not None:
        arguments["ssl.certificate.location"] = str(authority / name / "certificate.pem")
        arguments["ssl.key.location"] = str(authority / name / "key.pem")
    return arguments

"""A real Apache Kafka with the production files of `deploy/kafka/`, other names, paths and ports put in."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from scripts.services.kafka import KafkaServer
from scripts.services.local_server import free_port

DEPLOY: Final = Path(__file__).parents[2] / "deploy" / "kafka"
PASSWORDS: Final = {"gateway": "Gw-5ecret-of-the-gateway", "sink": "Sk-5ecret-of-the-sink"}

TOOLS: Final = {
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-configs.sh": "kafka.admin.ConfigCommand",
    "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
}
"""What the programs of Kafka's `bin` start; the rest of them finds Java and the jars."""

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
        self._install_tools()
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

    @property
    def tools(self) -> Path:
        """Return the folder with the programs of Kafka's `bin` that the scripts use."""
        return self.root / "bin"

    def _install_tools(self) -> None:
        """Make the programs: the very classes that the original ones run."""
        self.tools.mkdir(exist_ok=True)
        for name, program in TOOLS.items():
            quoted = " ".join(f"'{word}'" for word in (*self._jvm(), program))
            (self.tools / name).write_text(f'#!/bin/sh\nexec {quoted} "$@"\n', encoding="utf-8")
            (self.tools / name).chmod(0o700)

    def create_topics(self) -> None:
        """Run `deploy/kafka/create-topics.sh` with Kafka's own tools."""
        self._run(DEPLOY / "create-topics.sh", f"localhost:{self._brokers_port}", "admin.properties")

    def create_principals(self) -> None:
        """Run `deploy/kafka/create-principals.sh` with Kafka's own tools."""
        files = []
        for name, password in PASSWORDS.items():
            files.append(self.root / f"{name}.password")
            files[-1].write_text(f"{password}\n", encoding="utf-8")
        self._run(DEPLOY / "create-principals.sh", f"localhost:{self._brokers_port}", "admin.properties", *files)

    def acls(self, *words: str) -> str:
        """Run `kafka-acls.sh` as an administrator; return what it prints."""
        login = ("--bootstrap-server", f"localhost:{self._brokers_port}", "--command-config", "admin.properties")
        return self._run(self.tools / "kafka-acls.sh", *login, *words)

    def _run(self, *command: str | Path) -> str:
        made = subprocess.run(
            [str(word) for word in command],
            cwd=self.root,
            env=os.environ | {"KAFKA": str(self.tools)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout

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

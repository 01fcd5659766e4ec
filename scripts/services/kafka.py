"""A real Apache Kafka: one KRaft node, started from the jars that Maven fetched for `deploy/kafka/pom.xml`."""

# ruff: noqa: S603 - every argument list is the project's own, and none goes through a shell

import base64
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import ClassVar, Final

from scripts.services.errors import ServerDidNotStart, ServerMissing
from scripts.services.local_server import LocalServer, free_port
from scripts.services.probes import kafka_answers

DEPLOY: Final = Path(__file__).parents[2] / "deploy" / "kafka"
REMEDY: Final = (
    "install Java 17 or later and Maven, then `python3 -m scripts.services install`, or set WINNOW_TEST_KAFKA=host:port"
)
JVM_OPTIONS: Final = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""One small heap and no second compiler: the broker is up sooner and leaves the other core to the tests."""
JARS: Final = ("kafka_*.jar", "kafka-tools-[0-9]*.jar")
"""The server, and its administrators' tools."""


class KafkaServer(LocalServer):
    """A Kafka broker and controller in one process, plaintext on loopback; topics are created explicitly.

    Raises:
        ServerMissing: there is no Java, or the jars were never fetched.
    """

    name: ClassVar[str] = "Apache Kafka"

    def __init__(self, *, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Take further entries of server.properties, which win over the template's."""
        self._java = find_java()
        self._jars = find_jars()
        self._settings = dict(settings or {})
        self._controller_port = free_port()
        super().__init__(port=port)

    def prepare(self) -> None:
        """Write the configuration and format the data directory where there is none."""
        template = Template((DEPLOY / "server.properties").read_text(encoding="utf-8"))
        ours = template.substitute(port=self.port, controller_port=self._controller_port, data_dir=self.data_dir)
        further = "".join(f"{name}={value}\n" for name, value in self._settings.items())
        self._properties.write_text(ours + further, encoding="utf-8")
        if not (self.data_dir / "meta.properties").exists():
            self._format()

    def command(self) -> list[str]:
        """Return the broker in the foreground."""
        return [*self._jvm(), "kafka.Kafka", str(self._properties)]

    def answers(self) -> bool:
        """Return whether the broker is registered with its controller and serves metadata."""
        return kafka_answers(self.port)

    def version(self) -> str:
        """Return the version of the jars."""
        return kafka_version()

    @property
    def _properties(self) -> Path:
        return self.root / "server.properties"

    def _jvm(self) -> list[str]:
        logs = f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.properties'}"
        return [self._java, *JVM_OPTIONS, logs, "-cp", f"{self._jars}/*"]

    def _format(self) -> None:
        cluster_id = (
            "W" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        )  # a leading "-" would be an option
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id, "-c", str(self._properties)]
        made = subprocess.run([*self._jvm(), *tool], capture_output=True, text=True, check=False, timeout=60)
        if made.returncode != 0:
            raise ServerDidNotStart(self.name, "could not format its data directory", made.stdout + made.stderr)


def kafka_version() -> str:
    """Return the Kafka release that the project names.

    Raises:
        ValueError: the pom names none.
    """
    named = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", (DEPLOY / "pom.xml").read_text(encoding="utf-8"))
    if named is None:
        raise ValueError(f"{DEPLOY / 'pom.xml'} has no <kafka.version>")
    return named[1]


def jar_directory() -> Path:
    """Return where the jars of this release are kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "winnow" / f"kafka-{kafka_version()}"


def find_java() -> str:
    """Return the Java program.

    Raises:
        ServerMissing: there is none.
    """
    java = shutil.which("java")
    if java is None:
        raise ServerMissing("Java", REMEDY)
    return java


def find_jars() -> Path:
    """Return the directory with Kafka's jars.

    Raises:
        ServerMissing: they were never fetched.
    """
    directory = jar_directory()
    if not all(any(directory.glob(jar)) for jar in JARS):
        raise ServerMissing(f"Apache Kafka {kafka_version()}", REMEDY)
    return directory

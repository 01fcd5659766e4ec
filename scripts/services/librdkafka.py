"""What stands in for Apache Kafka where Java is missing: librdkafka's in-process cluster, held by a child process.

It speaks Kafka's protocol and keeps nothing: good enough to run the tests of our own code, no proof of a real broker.
"""

import importlib.util
import sys
from pathlib import Path
from typing import ClassVar, Final

from scripts.services.errors import ServerMissing
from scripts.services.local_server import LocalServer
from scripts.services.probes import kafka_answers

CHILD: Final = Path(__file__).with_name("hold_librdkafka.py")


class LibrdkafkaServer(LocalServer):
    """A mock cluster of one broker; it chooses its own port, anew at every start.

    Raises:
        ServerMissing: this Python has no `confluent_kafka`.
    """

    name: ClassVar[str] = "librdkafka mock cluster"

    def __init__(self) -> None:
        if importlib.util.find_spec("confluent_kafka") is None:
            raise ServerMissing("confluent-kafka", f"install the project's extra [dev] for {sys.executable}")
        super().__init__()

    def prepare(self) -> None:
        """Forget the address of an earlier start."""
        self._port_file.unlink(missing_ok=True)

    def command(self) -> list[str]:
        """Return the child that holds the cluster."""
        return [sys.executable, str(CHILD), str(self._port_file)]

    def answers(self) -> bool:
        """Return whether the child has said where it listens, and answers there."""
        try:
            self.port = int(self._port_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return kafka_answers(self.port)

    def version(self) -> str:
        """Return librdkafka's version."""
        import confluent_kafka  # noqa: PLC0415 - the rest of this package runs without any dependency

        return str(confluent_kafka.libversion()[0])

    @property
    def _port_file(self) -> Path:
        return self.root / "port"

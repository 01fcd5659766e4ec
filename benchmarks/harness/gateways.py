"""Gateways as processes of their own, Winnow's and others', and what is sent through them."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from benchmarks.harness.tools import tools_python
from winnow.cli.loadgen_traffic import Shape, message_of
from winnow.events.batch import BatchPacker
from winnow.events.mqtt import MqttMessage
from winnow.gateway.mqtt_connection import MqttConnection
from winnow.runtime.mqtt import MqttSettings

IN_A_BATCH: Final = 100
SHAPE: Final = Shape(nodes=20, rate_per_s=1, size_bytes=500, burst=1, duration_s=1, thumbnails=0)
BACKLOG: Final = 400
"""Messages that a sender has on the way to the broker."""
_SUBJECTS: Final = Path(__file__).parents[1] / "subjects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """How a gateway is started, and where it reads and writes.

    Attributes:
        name: in the table.
        program: a file of `benchmarks/subjects`; empty for Winnow's own command.
        is_ours: whether the program needs Winnow's packages, not the competitors'.
        mqtt_port: its own broker on loopback.
        kafka: `host:port`.
        topic: where its records go.
        keeps_batches: whether Winnow's stores a batch as it came, in one record.
    """

    name: str
    program: str
    is_ours: bool
    mqtt_port: int
    kafka: str
    topic: str
    keeps_batches: bool = False

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Run it while the block runs.

        Raises:
            ToolMissingError: it is a competitor that is not installed.
        """
        if not self.program:
            batches = "whole" if self.keeps_batches else "opened"
            with gateway_process(f"127.0.0.1:{self.mqtt_port}", self.kafka, batches=batches) as child:
                yield child
            return
        arguments = [str(_SUBJECTS / self.program), "127.0.0.1", str(self.mqtt_port), self.kafka, self.topic]
        with _killed_at_the_end([sys.executable if self.is_ours else tools_python(), *arguments]) as child:
            yield child


@contextmanager
def gateway_process(mqtt: str, kafka: str, *, batches: str = "opened") -> Iterator[subprocess.Popen[bytes]]:
    """Run Winnow's command between two `host:port` while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "gateway.yaml"
        settings.write_text(
            f"mqtt: {{url: 'mqtt://{mqtt}'}}\nkafka: {{bootstrap_servers: '{kafka}', batches: {batches}}}\n"
            "metrics: {port: 0}\n",
            encoding="utf-8",
        )
        command = [sys.executable, "-m", "winnow.cli", "gateway", "-c", str(settings), "--log-level", "ERROR"]
        with _killed_at_the_end(command) as child:
            yield child


@contextmanager
def _killed_at_the_end(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(command)  # noqa: S603 - our own commands
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def cpu_s(pid: int) -> float:
    """Return user and system seconds of a process, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def messages(events: int, *, batched: bool = False) -> list[MqttMessage]:
    """Return so many events of twenty nodes as an edge sends them: each alone, or a hundred a batch."""
    epoch, now = f"bench-{uuid4().hex[:8]}", datetime.now(UTC)
    made = [message_of(SHAPE, number, epoch=epoch, now=now) for number in range(events)]
    if not batched:
        return [message for _, _, message in made]
    packer = BatchPacker()
    of_nodes: dict[str, list[MqttMessage]] = {}
    for node, _, message in made:
        of_nodes.setdefault(node, []).append(message)
    return [
        packer.pack(node, those[first : first + IN_A_BATCH]).message
        for node, those in of_nodes.items()
        for first in range(0, len(those), IN_A_BATCH)
    ]


def publish(port: int, sent: Sequence[MqttMessage], *, kill: subprocess.Popen[bytes] | None = None) -> None:
    """Return when the broker has taken all of them over; `kill` is killed when it has half of them."""
    asyncio.run(_publish(port, sent, kill))


async def _publish(port: int, sent: Sequence[MqttMessage], kill: subprocess.Popen[bytes] | None) -> None:
    connection = MqttConnection(
        MqttSettings(url=f"mqtt://127.0.0.1:{port}"),
        client_id=f"sender-{uuid4().hex[:8]}",
        receive_maximum=100,
        on_message=lambda _message: None,
    )
    await connection.establish()
    for number, message in enumerate(sent):
        while connection.backlog >= BACKLOG:  # noqa: ASYNC110 - two lines in a benchmark
            await asyncio.sleep(0.001)
        if kill is not None and number == len(sent) // 2:
            kill.kill()
        connection.publish(message.topic, message.payload, message.user_properties)
    while connection.backlog:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    await connection.close()

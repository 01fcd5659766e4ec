"""Topics by number over real brokers: everything arrives on its topic, in fewer bytes."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.broker.publisher_rig import Gateway, eventually, running_edge
from winnow.pipeline.delivery.testing import crossing
from winnow.pipeline.delivery.wire import publish_bytes
from winnow.runtime.embedded_broker import EmbeddedBroker

CAMERAS = [f"camera-{number:02}" for number in range(14)]
"""More than the ten numbers that Mosquitto keeps by default."""


class CountedLine:
    """A relay to a broker that keeps what the nodes said."""

    def __init__(self, broker: str) -> None:
        host, port = broker.rsplit(":", 1)
        self._broker = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.said = bytearray()
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection."""
        for end in tuple(self._ends):  # a node that is back meanwhile is left alone
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End every connection and take no more."""
        self._listener.close()
        self.cut()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                node = self._listener.accept()[0]
                broker = socket.create_connection(self._broker)
                self._ends += [node, broker]
                threading.Thread(target=self._pass, args=(node, broker, self.said), daemon=True).start()
                threading.Thread(target=self._pass, args=(broker, node, bytearray()), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                kept += data
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)


@contextmanager
def counted_line(broker: str) -> Iterator[CountedLine]:
    """Relay while the block runs."""
    line = CountedLine(broker)
    try:
        yield line
    finally:
        line.close()


@pytest.fixture(params=["mosquitto", "embedded"])
def broker_address(request: pytest.FixtureRequest) -> Iterator[str]:
    """Return a running broker."""
    if request.param == "mosquitto":
        yield request.getfixturevalue("mqtt_address")
        return
    with EmbeddedBroker() as broker:
        yield broker.address


def test_every_event_arrives_on_its_topic_over_a_lost_connection(
    broker_address: str, unique_name: str, tmp_path: Path
) -> None:
    """Fourteen cameras, a cut in the middle: all events, on the right topics; what the accounts say went out did."""
    with (
        counted_line(broker_address) as line,
        Gateway(broker_address, unique_name) as gateway,
        running_edge(tmp_path / "s", line.address, unique_name, retry_s=1.0) as edge,
    ):
        for start in (0, 140):
            for number in range(start, start + 140):
                edge.outbox.accept([crossing(number, node=unique_name, camera=CAMERAS[number % len(CAMERAS)])])
            eventually(lambda: edge.spool.depth == 0)
            if start == 0:
                line.cut()
                eventually(lambda: edge.count("broker_reconnects_total") == 1)
        assert set(gateway.sequences) == set(range(1, 281))
        assert gateway.topics == Counter({f"winnow/v1/{unique_name}/events/{camera}": 20 for camera in CAMERAS})


def test_mosquitto_gets_each_topic_once(mqtt_address: str, unique_name: str, tmp_path: Path) -> None:
    """Fifty events of one camera name its topic once on the wire; the accounts know each byte that was saved."""
    topic = f"winnow/v1/{unique_name}/events/door"
    with (
        counted_line(mqtt_address) as line,
        Gateway(mqtt_address, unique_name) as gateway,
        running_edge(tmp_path / "s", line.address, unique_name) as edge,
    ):
        edge.outbox.accept([crossing(number, node=unique_name) for number in range(50)])
        full_bytes = sum(publish_bytes(one.mqtt) for one in edge.spool.read(range(1, 51)))
        eventually(lambda: edge.spool.depth == 0)
        assert len(gateway.sequences) == 50
        assert line.said.count(topic.encode()) == 1
        assert edge.publisher.wire.of("door").total == full_bytes + 50 * 3 - 49 * len(topic)

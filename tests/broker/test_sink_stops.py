"""SIGTERM ends a sink within ten seconds while Kafka or the database is gone, hangs, or hangs in the middle."""

import json
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from scripts.services import free_port
from tests.broker.gateway_bench import eventually
from tests.broker.test_sink_kafka import SinkProcess
from winnow.cloud_sink.settings import MetricsSettings, SinkSettings, StoreSettings
from winnow.runtime.kafka import KafkaSettings

SAID_BY_POSTGRESQL = b"".join(
    kind + (len(body) + 4).to_bytes(4, "big") + body
    for kind, body in (
        (b"R", bytes(4)),
        (b"S", b"server_version\x0015.0\x00"),
        (b"S", b"client_encoding\x00UTF8\x00"),
        (b"S", b"standard_conforming_strings\x00on\x00"),
        (b"K", bytes(8)),
        (b"Z", b"I"),
    )
)
"""Login without a password, and ready for the first query. Source: PostgreSQL 15 manual, section 55.7."""
SSL_REQUEST = (80877103).to_bytes(4, "big")


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept connections while the block runs, answer each once, and then be silent; yield the port."""
    clients: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    clients.append(server.accept()[0])
                    answer(clients[-1])

        threading.Thread(target=serve, name="silent server", daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for client in clients:
            client.close()


def never(_client: socket.socket) -> None:
    """Say nothing at all."""


def log_in(client: socket.socket) -> None:
    """Let a PostgreSQL client in, and never answer its first query."""
    while client.recv(1000)[4:8] == SSL_REQUEST:
        client.sendall(b"N")
    client.sendall(SAID_BY_POSTGRESQL)


def answers(sink: SinkProcess) -> bool:
    """Return whether the sink serves its health, be it good or bad."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{sink.port}/healthz", timeout=1) as answer:
            return bool(json.load(answer))
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False


def test_sigterm_ends_a_sink_in_time_whatever_it_waits_for(tmp_path: Path) -> None:
    """Each of them is started without what it needs, and asked to end while it waits for that."""
    with ExitStack() as stack:
        silent, half = stack.enter_context(listener(never)), stack.enter_context(listener(log_in))
        kafka = {"Kafka gone": free_port(), "Kafka hangs": silent}
        store = {"database gone": free_port(), "database hangs": silent, "database hangs after the login": half}
        sinks: dict[str, SinkProcess] = {}
        for state in (*kafka, *store):
            folder = tmp_path / state.replace(" ", "-")
            folder.mkdir()
            url = (
                f"postgresql://winnow@127.0.0.1:{store[state]}/winnow" if state in store else f"sqlite:///{folder}/e.db"
            )
            settings = SinkSettings(
                kafka=KafkaSettings(bootstrap_servers=f"127.0.0.1:{kafka.get(state, silent)}"),
                store=StoreSettings(url=url),
                metrics=MetricsSettings(port=0),
            )
            sinks[state] = SinkProcess(settings, folder)
            stack.callback(sinks[state].process.wait)
            stack.callback(sinks[state].process.kill)
        assert eventually(lambda: all(answers(sink) for sink in sinks.values()))
        for sink in sinks.values():
            sink.process.send_signal(signal.SIGTERM)
        late = [state for state, sink in sinks.items() if not ended(sink)]
        assert late == []


def ended(sink: SinkProcess) -> bool:
    """Return whether the sink ends within ten seconds from now; they were all asked at the same time."""
    with suppress(TimeoutError):
        return eventually(lambda: sink.process.poll() is not None, within_s=10)
    return False

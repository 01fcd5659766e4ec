"""The whole path behind the edge, built from real parts: with Kafka and two stores, or on one machine without Kafka."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml

from scripts.services import KafkaServer, LocalServer, MosquittoServer, PostgresServer, ServerMissing, free_port
from tests.end_to_end.processes import Killable, WinnowProcess, winnow


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything between an edge and the stores.

    Attributes:
        mqtt_url: where edges send to.
        parts: every process, servers included, by name.
        stores: the stores' URLs, by name.
        kafka_address: None without a Kafka.
    """

    mqtt_url: str
    parts: Mapping[str, Killable]
    stores: Mapping[str, str]
    kafka_address: str | None = None

    @property
    def logs(self) -> dict[str, str]:
        """Return what each process of ours wrote last."""
        return {name: part.log_tail() for name, part in self.parts.items() if isinstance(part, WinnowProcess)}


@contextmanager
def kafka_installation(folder: Path) -> Iterator[Installation]:
    """Run broker, gateway, Kafka and two sinks: one writes to PostgreSQL, one to SQLite."""
    broker, kafka, database = (made(server) for server in (MosquittoServer, KafkaServer, PostgresServer))
    with ExitStack() as stack:
        for server in (broker, kafka, database):
            stack.enter_context(server)
        stores = {"postgresql": new_database(database), "sqlite": f"sqlite:///{folder / 'events.db'}"}
        gateway = stack.enter_context(gateway_process(folder, broker, {"destination": f"kafka://{kafka.address}"}))
        sinks = {f"sink-{name}": sink_process(folder, kafka, name, url) for name, url in stores.items()}
        for sink in sinks.values():
            stack.enter_context(sink)
        for process in (gateway, *sinks.values()):
            process.wait_until_ready()
        parts: dict[str, Killable] = {
            "broker": broker,
            "gateway": gateway,
            "kafka": kafka,
            "database": database,
            **sinks,
        }
        yield Installation(mqtt_url=f"mqtt://{broker.address}", parts=parts, stores=stores, kafka_address=kafka.address)


@contextmanager
def single_machine(folder: Path) -> Iterator[Installation]:
    """Run broker and a gateway that writes straight into SQLite."""
    broker = made(MosquittoServer)
    url = f"sqlite:///{folder / 'events.db'}"
    with broker, gateway_process(folder, broker, {"destination": url}) as gateway:
        gateway.wait_until_ready()
        parts: dict[str, Killable] = {"broker": broker, "gateway": gateway}
        yield Installation(mqtt_url=f"mqtt://{broker.address}", parts=parts, stores={"sqlite": url})


def made(server_class: type[LocalServer]) -> LocalServer:
    """Return a server that is not started yet, or skip the test where its program is missing."""
    try:
        return server_class()
    except ServerMissing as missing:
        pytest.skip(str(missing))


def new_database(server: LocalServer) -> str:
    """Return the URL of an empty database."""
    with psycopg.connect(server.address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE winnow")
    return server.address.replace("/postgres", "/winnow")


def gateway_process(folder: Path, broker: LocalServer, destination: Mapping[str, object]) -> WinnowProcess:
    """Return a gateway with settings of its own, not started yet."""
    port = free_port()
    settings = {"mqtt": {"url": f"mqtt://{broker.address}"}, "metrics": {"port": port}, **destination}
    config = write_settings(folder / "gateway.yaml", settings)
    return winnow("gateway", "gateway", "-c", str(config), folder=folder, health_port=port)


def sink_process(folder: Path, kafka: LocalServer, name: str, store_url: str) -> WinnowProcess:
    """Return a sink with settings of its own, not started yet."""
    port = free_port()
    settings = {
        "kafka": {"bootstrap_servers": kafka.address},
        "group": f"sink-{name}",
        "store": {"url": store_url},
        "metrics": {"port": port},
    }
    config = write_settings(folder / f"sink-{name}.yaml", settings)
    return winnow(f"sink-{name}", "sink", "-c", str(config), folder=folder, health_port=port)


def write_settings(path: Path, settings: Mapping[str, object]) -> Path:
    """Write a settings file and return its path."""
    path.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    return path

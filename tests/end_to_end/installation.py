"""The whole path behind the edge, built from real parts: with Kafka and two stores, or on one machine without Kafka."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
import yaml

from scripts.services import KafkaServer, LocalServer, MosquittoServer, PostgresServer, ServerMissing, free_port
from tests.end_to_end.kafka_topics import end_offsets
from tests.end_to_end.processes import Killable, WinnowProcess, winnow
from tests.faults.proxy import TcpProxy
from winnow.cloud_sink.store import open_store
from winnow.events.topics import KAFKA_TOPICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything between an edge and the stores.

    Attributes:
        mqtt_url: where edges send to.
        parts: every process, servers included, by name.
        stores: the stores' URLs, by name.
        kafka_address: None without a Kafka.
        lines: what lies before the broker and can be cut, by who is at its other end; empty unless asked for.
    """

    mqtt_url: str
    parts: Mapping[str, Killable]
    stores: Mapping[str, str]
    kafka_address: str | None = None
    lines: Mapping[str, TcpProxy] = field(default_factory=dict)

    @property
    def logs(self) -> dict[str, str]:
        """Return what each process of ours wrote last."""
        return {name: part.log_tail() for name, part in self.parts.items() if isinstance(part, WinnowProcess)}


@contextmanager
def kafka_installation(folder: Path, *, has_lines: bool = False) -> Iterator[Installation]:
    """Run broker, gateway, Kafka and two sinks: one writes to PostgreSQL, one to SQLite.

    Args:
        folder: for settings, logs and the SQLite store.
        has_lines: whether edge and gateway reach the broker over a line that can be cut.
    """
    broker, kafka, database = (made(server) for server in (MosquittoServer, KafkaServer, PostgresServer))
    with ExitStack() as stack:
        for server in (broker, kafka, database):
            stack.enter_context(server)
        stores = {"postgresql": new_database(database), "sqlite": f"sqlite:///{folder / 'events.db'}"}
        lines = {who: stack.enter_context(TcpProxy(broker.port)) for who in (("edge", "gateway") if has_lines else ())}
        to_kafka = {"destination": f"kafka://{kafka.address}"}
        gateway = gateway_process(folder, address_for("gateway", broker, lines), to_kafka)
        stack.enter_context(gateway)
        sinks = {
            f"sink-{name}": sink_process(folder, kafka.address, name, url, member="first")
            for name, url in stores.items()
        }
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
        yield Installation(
            mqtt_url=f"mqtt://{address_for('edge', broker, lines)}",
            parts=parts,
            stores=stores,
            kafka_address=kafka.address,
            lines=lines,
        )


@contextmanager
def single_machine(
    folder: Path,
    *,
    has_lines: bool = False,
    planted: Mapping[str, str] | None = None,
    broker_limits: Sequence[str] = (),
) -> Iterator[Installation]:
    """Run broker and a gateway that writes straight into SQLite.

    Args:
        folder: for settings, logs and the store.
        has_lines: whether edge and gateway reach the broker over a line that can be cut.
        planted: process → the defect that is planted in it.
        broker_limits: further lines of mosquitto.conf.
    """
    broker = made(lambda: MosquittoServer(settings=broker_limits))
    url = f"sqlite:///{folder / 'events.db'}"
    with ExitStack() as stack:
        stack.enter_context(broker)
        lines = {who: stack.enter_context(TcpProxy(broker.port)) for who in (("edge", "gateway") if has_lines else ())}
        defect = (planted or {}).get("gateway")
        gateway = gateway_process(folder, address_for("gateway", broker, lines), {"destination": url}, defect=defect)
        stack.enter_context(gateway)
        gateway.wait_until_ready()
        parts: dict[str, Killable] = {"broker": broker, "gateway": gateway}
        mqtt_url = f"mqtt://{address_for('edge', broker, lines)}"
        yield Installation(mqtt_url=mqtt_url, parts=parts, stores={"sqlite": url}, lines=lines)


def address_for(who: str, broker: LocalServer, lines: Mapping[str, TcpProxy]) -> str:
    """Return where a process finds the broker: at the end of its line, if it has one."""
    return lines[who].address if who in lines else broker.address


def made(server_class: Callable[[], LocalServer]) -> LocalServer:
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


def gateway_process(
    folder: Path, mqtt_address: str, destination: Mapping[str, object], *, defect: str | None = None
) -> WinnowProcess:
    """Return a gateway with settings of its own, not started yet; with a defect planted in it, if one is named."""
    port = free_port()
    settings = {"mqtt": {"url": f"mqtt://{mqtt_address}"}, "metrics": {"port": port}, **destination}
    config = write_settings(folder / "gateway.yaml", settings)
    return winnow("gateway", "gateway", "-c", str(config), folder=folder, health_port=port, defect=defect)


def sink_process(  # noqa: PLR0913 - what a sink is made of
    folder: Path,
    kafka_address: str,
    name: str,
    store_url: str,
    *,
    defect: str | None = None,
    metrics_port: int | None = None,
    **further: object,
) -> WinnowProcess:
    """Return a sink with settings of its own, not started yet; with a defect planted in it, if one is named."""
    port = metrics_port or free_port()
    settings = {
        "kafka": {"bootstrap_servers": kafka_address},
        "group": f"sink-{name}",
        "store": {"url": store_url},
        "metrics": {"port": port},
        **further,
    }
    config = write_settings(folder / f"sink-{name}.yaml", settings)
    return winnow(f"sink-{name}", "sink", "-c", str(config), folder=folder, health_port=port, defect=defect)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A sink and where it stores."""

    process: WinnowProcess
    store_url: str


@contextmanager
def sink_of(
    installation: Installation,
    folder: Path,
    name: str,
    *,
    defect: str | None = None,
    metrics_port: int | None = None,
    **further: object,
) -> Iterator[Sink]:
    """Run one more sink behind an installation's Kafka, with a SQLite store and settings of its own.

    It begins behind what other tests have left in Kafka: thousands of nodes, and losses that are none of its own.
    """
    address = installation.kafka_address
    assert address is not None
    url = f"sqlite:///{folder / f'{name}.db'}"
    with closing(open_store(url)) as store:
        store.write([], end_offsets(address, KAFKA_TOPICS))
    with sink_process(folder, address, name, url, defect=defect, metrics_port=metrics_port, **further) as process:
        process.wait_until_ready()
        yield Sink(process=process, store_url=url)


def write_settings(path: Path, settings: Mapping[str, object]) -> Path:
    """Write a settings file and return its path."""
    path.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    return path

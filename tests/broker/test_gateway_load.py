"""Gateways under load, with a real broker and a real Kafka: two side by side share the nodes."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.broker.gateway_bench import GatewayProcess, records_of
from winnow.events.topics import KAFKA_EVENTS


def load(mqtt: str, *options: str) -> dict[str, Any]:
    """Run `winnow loadgen` to its end, and return its summary."""
    command = [sys.executable, "-m", "winnow.cli", "loadgen", "--url", f"mqtt://{mqtt}", "--json", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture
def kafka_section(kafka_address: str, kafka_kind: str) -> str:
    """Return the lines of settings that name the shared Kafka."""
    create = "true" if kafka_kind == "apache" else "false"
    return f"kafka: {{bootstrap_servers: '{kafka_address}', topics: {{create: {create}}}}}"


@pytest.fixture
def start_gateway(tmp_path: Path, mqtt_address: str, kafka_section: str, unique_name: str) -> Any:
    """Return what starts a gateway with more lines of settings; all end with the test."""
    started: list[GatewayProcess] = []

    def start(more: str = "") -> GatewayProcess:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        client_id = f"gateway-{unique_name}-{len(started)}"
        process = GatewayProcess(folder, mqtt=mqtt_address, destination=f"{kafka_section}\n{more}", client_id=client_id)
        started.append(process)
        process.start()
        return process

    yield start
    for process in started:
        process.close()


def test_two_gateways_share_2000_nodes_and_nothing_is_lost_or_doubled(
    start_gateway: Callable[..., GatewayProcess], mqtt_address: str, kafka_address: str
) -> None:
    """Each takes the nodes that its settings name; every event is receipted, and is in Kafka once."""
    halves = [json.dumps([f"load-{number:04}" for number in range(half, 2000, 2)]) for half in (0, 1)]
    gateways = [start_gateway(f"nodes: {nodes}") for nodes in halves]
    summary = load(mqtt_address, "--nodes", "2000", "--rate", "1000", "--duration", "6", "--thumbnails", "0")
    assert (summary["accepted"], summary["receipted"]) == (6000, 6000)
    headers = [dict(record.headers) for record in records_of(kafka_address, KAFKA_EVENTS, "load-")]
    ids = Counter(one["ce_id"] for one in headers if one["ce_epoch"].decode() == summary["epoch"])
    assert len(ids) == 6000
    # An event that waited more than 5 s for its receipt was sent again, as an edge does: that one alone may be twice.
    assert sum(ids.values()) - 6000 <= summary["retried"]
    received = [gateway.metric("received_messages_total") for gateway in gateways]
    assert min(received) >= 3000
    assert sum(received) <= 6000 + summary["retried"]


def test_backlog_of_many_nodes_is_taken_over_one_connection(
    start_gateway: Callable[..., GatewayProcess], mqtt_address: str
) -> None:
    """What piled up in the broker while the gateway was away: all is receipted, and the connection lasts.

    Mosquitto 2.0.11 sends all of it at the first PUBACK, and its answers to thousands of receipts stand behind.
    """
    gateway = start_gateway()
    gateway.kill()
    traffic = ("--nodes", "2000", "--rate", "4000", "--duration", "2", "--thumbnails", "0", "--settle", "60", "--json")
    command = [sys.executable, "-m", "winnow.cli", "loadgen", "--url", f"mqtt://{mqtt_address}", *traffic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sender:
        time.sleep(4)
        gateway.start()
        summary = json.loads(sender.communicate(timeout=90)[0])
    assert (summary["accepted"], summary["receipted"]) == (8000, 8000)
    assert gateway.metric("connections_total") == 1, gateway.log()

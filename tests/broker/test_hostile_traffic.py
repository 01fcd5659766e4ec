"""Hostile boxes and strangers beside good ones, through a real Mosquitto into a real Kafka and a store."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.broker.gateway_bench import EdgeClient, GatewayProcess, eventually, recorded_event, records_of
from tests.broker.hostile_traffic import bad_messages, garbage_at
from tests.broker.test_gateway_load import load
from tests.broker.test_sink_kafka import SinkProcess
from tests.end_to_end.processes import CHECKOUT
from winnow.cloud_sink.settings import MetricsSettings, SinkSettings, StoreSettings
from winnow.cloud_sink.store import DeadLetter, EventFilter, Store, open_store
from winnow.events import Recorded
from winnow.events.data import CameraOnline
from winnow.events.identity import digest_of
from winnow.events.mqtt import to_mqtt
from winnow.events.topics import KAFKA_DEADLETTER
from winnow.runtime.kafka import KafkaSettings

BAD_PER_S = 1000
BAD_FOR_S = 2
GOOD = ("--nodes", "50", "--rate", "100", "--duration", "2", "--thumbnails", "0.2")


@pytest.fixture
def gateway(
    tmp_path: Path, mqtt_address: str, kafka_address: str, kafka_kind: str, unique_name: str
) -> Iterator[GatewayProcess]:
    """Return a running gateway from the shared broker to the shared Kafka."""
    create = "true" if kafka_kind == "apache" else "false"
    kafka = f"kafka: {{bootstrap_servers: '{kafka_address}', topics: {{create: {create}}}}}"
    process = GatewayProcess(tmp_path, mqtt=mqtt_address, destination=kafka, client_id=f"gateway-{unique_name}")
    process.start()
    yield process
    process.close()


def test_flood_of_bad_messages_and_noise_costs_good_traffic_nothing(
    gateway: GatewayProcess, mqtt_address: str, kafka_address: str, unique_name: str
) -> None:
    """Every bad one is a dead letter, counted by its reason; every good one is receipted, on the first connection."""
    command = [sys.executable, "-m", "tests.broker.hostile_traffic", mqtt_address, str(BAD_PER_S), str(BAD_FOR_S)]
    with (
        garbage_at(mqtt_address, seed=1) as thrown,
        subprocess.Popen([*command, unique_name], stdout=subprocess.PIPE, cwd=CHECKOUT) as hostile,
    ):
        good = load(mqtt_address, *GOOD)
        sent: Counter[str] = Counter(json.loads(hostile.communicate(timeout=60)[0]))
    assert (good["accepted"], good["receipted"], good["connections"]) == (200, 200, 1)
    assert thrown[0] > 5
    assert sent.total() > 20 * len(bad_messages())

    def counted() -> dict[str, float]:
        return {reason: gateway.metric(f'refused_messages_total{{reason="{reason}"}}') for reason in sent}

    assert eventually(lambda: counted() == sent), (counted(), sent)
    assert gateway.metric("identity_mismatches_total") == sent["identity"]
    assert gateway.metric("connections_total") == 1
    kept = [dict(letter.headers) for letter in records_of(kafka_address, KAFKA_DEADLETTER, "winnow/v1/")]
    places = {int(headers["sequence"]) for headers in kept if headers.get("epoch") == unique_name.encode()}
    mix = [message.topic.rpartition("/")[2] for message, _ in bad_messages()]
    # A batch is the one that has no place: its messages have theirs inside.
    assert places == {n for n in range(1, sent.total() + 1) if mix[(n - 1) % len(mix)] != "batch"}


def letters_of(store: Store, node: str) -> dict[str, DeadLetter]:
    """Return the dead letters of a node by their reason."""
    return {letter.reason: letter for letter in store.dead_letters(limit=10_000) if node.encode() in letter.key}


def stored_sequences(store: Store, node: str) -> list[int]:
    """Return the sequences of a node's events in the order in which the store took them."""
    return [event.sequence for event in store.events(EventFilter(nodes=(node,)))]


def test_ids_places_and_names_that_are_used_by_another(
    gateway: GatewayProcess, mqtt_address: str, kafka_address: str, unique_name: str, tmp_path: Path
) -> None:
    """From the broker to the store: what reuses an id, a place or a name is kept apart, counted and told of.

    Sequences that go backwards are late ones. All are receipted, so that no edge sends them for ever.
    """
    store_url = f"sqlite:///{tmp_path}/events.db"
    settings = SinkSettings(
        kafka=KafkaSettings(bootstrap_servers=kafka_address),
        group=unique_name,
        store=StoreSettings(url=store_url),
        metrics=MetricsSettings(port=0),
    )
    store = open_store(store_url)
    sink = SinkProcess(settings, tmp_path)
    edge = EdgeClient(mqtt_address, unique_name)
    try:
        event = {n: recorded_event(edge.node, n) for n in (1, 2, 3, 4)}
        other = CameraOnline(frame=(320, 240), clock="wall")
        same_id = replace(event[4], id=event[1].id, data=other, data_json=msgspec.json.encode(other))
        same_place = replace(event[4], id=digest_of("restored"), recorded=event[2].recorded)
        stolen = replace(event[4], node=f"{edge.node}-2", recorded=Recorded(epoch="e1", sequence=5, at=event[4].time))
        edge.publish(*(to_mqtt(event[n]) for n in (3, 2, 1)), to_mqtt(same_id), to_mqtt(same_place))
        edge.publish(replace(to_mqtt(stolen), topic=to_mqtt(event[1]).topic))
        assert eventually(lambda: edge.has_receipts_for(range(1, 6))), gateway.log()
        assert eventually(
            lambda: len(letters_of(store, edge.node)) == 2 and len(stored_sequences(store, edge.node)) == 4
        )
        letters = letters_of(store, edge.node)
        assert letters["reused"].value == same_id.data_json
        assert letters["gateway"].detail.startswith("identity: ")
        assert stored_sequences(store, edge.node) == [3, 2, 1, 2]
        assert stored_sequences(store, stolen.node) == []
        assert [gap for gap in store.gaps(0) if gap.node == edge.node] == []
        assert gateway.metric("identity_mismatches_total") == 1
        assert eventually(lambda: sink.metric("winnow_sink_reused_places_total") == 1)
        assert sink.metric('winnow_sink_refused_records_total{reason="reused"}') == 1
        told = [json.loads(line) for line in sink.log.read_text().splitlines() if "a second time" in line]
        facts = [(line["level"], line["node"], line["epoch"], line["first"], line["last"]) for line in told]
        assert facts == [("ERROR", edge.node, "e1", 2, 2)]
    finally:
        edge.close()
        sink.process.kill()
        sink.process.wait()
        store.close()
